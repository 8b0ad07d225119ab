// Keeps the parts of a page that are marked `data-live` up to date while something runs: asks for the page again and
// takes over what is different. The page that comes when nothing runs any more has no script of this name: then it ends.
(() => {
  "use strict";
  const [quick, slow] = [2500, 15000]; // milliseconds
  const STOPS = "a, button, input, summary, [tabindex]";
  let pause = quick;

  const takeOver = (page) => {
    let changed = false;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh === null) continue;
      keepOpen(old, fresh);
      if (fresh.isEqualNode(old)) continue;
      const stop = [...old.querySelectorAll(STOPS)].indexOf(document.activeElement);
      const places = [...old.querySelectorAll(".scroll")].map((region) => region.scrollLeft);
      const href = document.activeElement.getAttribute("href");
      old.replaceWith(document.importNode(fresh, true));
      const made = document.getElementById(old.id);
      made.querySelectorAll(".scroll").forEach((region, index) => { region.scrollLeft = places[index] ?? 0; });
      if (stop >= 0) refocus(made, stop, href);
      changed = true;
    }
    return changed;
  };

  // What people have opened stays open.
  const keepOpen = (old, fresh) => {
    const before = old.querySelectorAll("details");
    fresh.querySelectorAll("details").forEach((details, index) => {
      details.open = before[index]?.open ?? details.open;
    });
  };

  // Who walks with the keyboard stays where they are.
  const refocus = (made, stop, href) => {
    const stops = [...made.querySelectorAll(STOPS)];
    const same = href === null ? undefined : stops.find((element) => element.getAttribute("href") === href);
    (same ?? stops[stop])?.focus({ preventScroll: true });
  };

  const ask = async () => {
    if (document.hidden) return again();
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      pause = takeOver(page) ? quick : Math.min(slow, pause * 1.3);
      if (page.querySelector('script[src$="/live.js"]') === null) return;
    } catch {
      pause = slow;
    }
    again();
  };

  const again = () => setTimeout(ask, pause);
  again();
})();
