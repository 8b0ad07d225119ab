// The log of a pod, line by line as it comes.
(() => {
  "use strict";
  const MOST = 5000; // lines that are kept
  const log = document.getElementById("log");
  const state = document.getElementById("log-state");
  if (log === null) return;
  const source = new EventSource(log.dataset.source);
  source.addEventListener("open", () => {
    log.replaceChildren();
    state.textContent = "The log goes on by itself.";
  });
  source.addEventListener("line", (event) => {
    const { at, text } = JSON.parse(event.data);
    const line = document.createElement("span");
    line.title = at;
    line.textContent = `${text}\n`;
    const follow = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
    log.append(line);
    if (log.childElementCount > MOST) log.firstElementChild.remove();
    // Who has scrolled up wants to read.
    if (follow) log.scrollTop = log.scrollHeight;
  });
  source.addEventListener("end", (event) => {
    state.textContent = JSON.parse(event.data).reason;
    source.close();
  });
  source.addEventListener("error", () => { state.textContent = "The connection is gone; trying again."; });
  window.addEventListener("pagehide", () => source.close());
})();
