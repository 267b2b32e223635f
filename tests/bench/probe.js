// Runs before the page: takes the time of a trusted action, counts websocket messages, waits for the paint.
(() => {
  const size = (data) => data?.byteLength ?? data?.size ?? data?.length ?? 0;
  const probe = (window.__probe = {
    at: 0, // when the action happened; 0 is the start of the navigation
    awaited: null, // the kind of event that is the action
    messages: [], // {time, bytes, incoming}
    arm(type) {
      Object.assign(probe, { at: null, awaited: type, messages: [] });
    },
    // When `shows` holds: how many messages had come in, and the ms from the action to the next frame.
    painted: (shows, patience = 20000) =>
      new Promise((done, fail) => {
        const end = performance.now() + patience;
        const look = () => {
          if (probe.at !== null && shows()) {
            const before = probe.messages.filter((message) => message.incoming).length;
            requestAnimationFrame(() => done([performance.now() - probe.at, before]));
          } else if (performance.now() > end) fail(new Error("never shown: " + shows));
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
    // A picture whose signature has `part` in it is drawn.
    drawn: (part) =>
      [...document.querySelectorAll(".gb[data-sig]")].some((root) => root.dataset.sig.includes(part)),
    // The arithmetic of this cell stands on the page.
    byHand: (cell) => [...document.querySelectorAll(".hand")].some((box) => box.textContent.includes(cell)),
    // The cell under the pointer, where its tooltip shows.
    hovered: () => document.querySelector(".gb:has(.tip:not([hidden]))[data-hover]")?.dataset.hover ?? "",
    // The picked cell of the picture of this point: "row,column".
    picked: (point) =>
      document.querySelector(`.gb[data-sig*="${point}"]`)?.dataset.sig.split("|").at(-1) ?? "",
    // Every picture of the step with this number is drawn, with its charts or without, and its title stands
    // above.
    stepped(number, charts = true) {
      const title = document.querySelector("[data-part=head] h3")?.textContent ?? "";
      const parts = "[data-part^=step-] [data-part]" + (charts ? "" : ":not([data-kind=plot])");
      const roots = [...document.querySelectorAll(`${parts} > .gb`)];
      return title.startsWith(number + ".") && roots.every((root) => root.hasAttribute("data-sig"));
    },
    // A chart is drawn again and again, each time from scratch if `anew`: the ms until each is painted.
    async redrawn(chart, anew, tries) {
      const root = document.querySelector(`[data-part=plot-${chart}] .gb`),
        ms = [],
        frame = () => new Promise(requestAnimationFrame);
      for (let i = 0; i <= tries; i++) {
        await frame();
        root.removeAttribute("data-sig");
        if (anew) root.__state.gd = null;
        const start = performance.now();
        root.__state.redraw();
        while (!root.dataset.sig) await new Promise((done) => setTimeout(done));
        await frame();
        ms.push(performance.now() - start);
      }
      return ms.slice(1);
    },
    // The wheel turns over a canvas, a notch a frame: the ms from each to the end of the frame that it is painted
    // in.
    async zoomed(selector) {
      const canvas = document.querySelector(selector), box = canvas.getBoundingClientRect(), ms = [];
      const middle = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
      const at = { ...middle, bubbles: true, cancelable: true, ctrlKey: true };
      for (let i = 0; i < 40; i++) {
        const start = performance.now();
        canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: i < 25 ? -60 : 60 }));
        await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
        ms.push(performance.now() - start);
      }
      return ms;
    },
    // The ms of each of so many frames
    async frames(count) {
      const frame = () => new Promise(requestAnimationFrame), ms = [];
      await frame();
      for (let i = 0, before = performance.now(); i < count; i++) {
        await frame();
        ms.push(performance.now() - before);
        before = performance.now();
      }
      return ms;
    },
    // From here on, the longest that a task of the page took: while it runs, nothing answers.
    watch() {
      probe.tasks = [];
      new PerformanceObserver((list) => probe.tasks.push(...list.getEntries())).observe({ type: "longtask" });
    },
    stood: () => Math.max(0, ...probe.tasks.map((task) => task.duration)),
    // The script has run to its end.
    still: () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning",
  });
  for (const type of ["keydown", "click", "pointermove", "change"]) {
    addEventListener(type, (e) => {
      if (!e.isTrusted || probe.awaited !== type) return;
      Object.assign(probe, { at: e.timeStamp, awaited: null });
    }, true);
  }
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener(
        "message",
        (e) => probe.messages.push({ time: performance.now(), bytes: size(e.data), incoming: true }),
      );
    }
    send(data) {
      probe.messages.push({ time: performance.now(), bytes: size(data), incoming: false });
      super.send(data);
    }
  };
})();
