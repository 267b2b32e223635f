// The browser's history: Back and Forward go from place to place. Streamlit makes an entry of every address that
// the server writes; here only another page, step, part or model, or another text or image to read makes one, and
// what is picked or set there stands in the entry of its place.
const PLACE = [
  "step",
  "part",
  "stack",
  "model",
  "prompt",
  "target",
  "image",
  "cut",
  "train",
  "hand",
  "example",
  "cutting",
];
// Of the settings of a part (show=modules,at=3) what chooses a view of it, or what it is shown on.
const WITHIN = {
  backprop: ["show", "graph", "way"],
  learn: ["task"],
  batches: ["about"],
  tune: ["part"],
  rewards: ["step"],
  costs: ["part"],
};
const viewOf = (settings, names) => {
  const set = new URLSearchParams(settings?.replaceAll(",", "&"));
  return names.map((name) => set.get(name));
};
const placeOf = (address) => {
  const { pathname, searchParams } = new URL(address, location.href);
  const values = PLACE.map((name) => searchParams.get(name));
  values[3] = values[3]?.split("@")[0]; // checkpoints of a model's training are picked by a slider
  const within = Object.entries(WITHIN).map(([part, names]) => viewOf(searchParams.get(part), names));
  return { pathname, place: JSON.stringify([pathname, ...values, within]) };
};

// Since the visitor last did something, which may have been to go back.
const HISTORY = { arrives: false, made: false, back: false };
const enter = history.pushState.bind(history);
history.pushState = (state, title, address) => {
  const to = placeOf(address), here = placeOf(location.href), arrives = to.pathname !== here.pathname;
  if (HISTORY.back && to.place !== here.place) return; // of a run that was still under way when one went back
  // On the way to another page there is one entry: what the page that is left, or the one that comes, says of
  // itself belongs to it.
  const anew = arrives ? !HISTORY.made : to.place !== here.place && !HISTORY.arrives;
  (anew ? enter : history.replaceState.bind(history))(state, title, address);
  Object.assign(HISTORY, { arrives: arrives || HISTORY.arrives, made: anew || HISTORY.made });
};
const acted = () => Object.assign(HISTORY, { arrives: false, made: false, back: false });
for (const type of ["pointerdown", "keydown", "click", "change"]) window.addEventListener(type, acted, true);
window.addEventListener("popstate", () => {
  acted();
  HISTORY.back = true;
  PAGE.wants = {}; // what was chosen before has no say in what one goes back to
});
