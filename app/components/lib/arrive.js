// Runs first, in the library and in every shim: whichever comes first makes the promise of the drawing code.
window.__glassbox ??= {};
window.__glassbox.library ??= new Promise((done) => (window.__glassbox.arrived = done));
