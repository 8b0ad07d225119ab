// Keeps the part of the page that may change up to date: the server says when, and the page is asked for again.
(() => {
  "use strict";
  const state = document.getElementById("live-state");
  const source = new EventSource(document.currentScript.dataset.source);
  const STOPS = "a, [tabindex]";
  let asking = false;
  let again = false;

  const takeOver = (page) => {
    const [old, fresh] = [document.getElementById("live"), page.getElementById("live")];
    if (old === null || fresh === null || fresh.isEqualNode(old)) return;
    const stop = [...old.querySelectorAll(STOPS)].indexOf(document.activeElement);
    const href = document.activeElement?.getAttribute("href");
    const places = [...old.querySelectorAll(".scroll")].map((region) => region.scrollLeft);
    old.replaceWith(document.importNode(fresh, true));
    const made = document.getElementById("live");
    made.querySelectorAll(".scroll").forEach((region, index) => { region.scrollLeft = places[index] ?? 0; });
    // Who walks with the keyboard stays where they are.
    const stops = [...made.querySelectorAll(STOPS)];
    if (stop >= 0) (stops.find((each) => href && each.getAttribute("href") === href) ?? stops[stop])?.focus({ preventScroll: true });
  };

  const ask = async () => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.href);
      takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
      state.textContent = answer.ok ? "Up to date" : "It is gone, or Argo CD does not answer";
    } catch {
      state.textContent = "The page's server does not answer; trying again";
    }
    asking = false;
    if (again) { again = false; ask(); }
  };

  source.addEventListener("change", ask);
  source.addEventListener("trouble", (event) => { state.textContent = JSON.parse(event.data).reason; });
  source.addEventListener("error", () => { state.textContent = "The connection is gone; trying again"; });
  window.addEventListener("pagehide", () => source.close());
})();
