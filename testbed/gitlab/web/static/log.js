// Continues the log of a running job: asks for what came since, more rarely while nothing comes.
(() => {
  "use strict";
  const log = document.getElementById("log");
  const follow = document.getElementById("follow");
  const state = document.getElementById("log-state");
  const [quick, slow] = [1000, 8000]; // milliseconds
  let { have, seen } = log.dataset;
  let pause = quick;

  const append = (pieces) => {
    for (const piece of pieces) {
      document.getElementById(piece.into).insertAdjacentHTML("beforeend", piece.html);
    }
    if (pieces.length > 0) {
      document.getElementById("silence")?.remove();
      if (follow.checked) window.scrollTo({ top: document.body.scrollHeight });
    }
  };

  const ask = async () => {
    if (document.hidden) return again();
    try {
      const query = new URLSearchParams({ have, seen, begin: log.dataset.begin });
      const answer = await fetch(`${log.dataset.source}?${query}`);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const news = await answer.json();
      if (news.again) return location.reload();
      append(news.pieces);
      pause = news.pieces.length > 0 ? quick : Math.min(slow, pause * 1.5);
      ({ have, seen } = news);
      if (!news.live) {
        state.textContent = "The job has ended.";
        return;
      }
      state.textContent = "The log goes on by itself.";
    } catch {
      pause = slow;
      state.textContent = "The server does not answer; trying again.";
    }
    again();
  };

  const again = () => setTimeout(ask, pause);
  // Who scrolls up wants to read.
  window.addEventListener("wheel", (event) => { if (event.deltaY < 0) follow.checked = false; }, { passive: true });
  again();
})();
