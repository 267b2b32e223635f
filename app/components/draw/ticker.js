// Asks for the page again after a while: what is shown goes on by itself on the server. Each answer is another
// turn, so that it asks for no more than it gets; a page that nobody sees does not ask.
// Nor does it while the answer to something else is awaited, which it would interrupt.
const isAwaited = (root) => PAGE.reports.length > 0 && root.closest(".page")?.__timer;
DRAW.ticker = function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gb");
  if (!data) return;
  const state = (root.__state ??= {});
  const ask = () => {
    if (!root.isConnected) return;
    if (document.hidden || isAwaited(root)) return void (state.timer = setTimeout(ask, data.every));
    setTriggerValue("tick", true);
  };
  clearTimeout(state.timer);
  state.timer = setTimeout(ask, data.every);
  root.__state.leave = () => clearTimeout(state.timer);
};
