// Emscripten's JavaScript for each module: tools/build.mjs makes it from what em++ writes.
declare module '#modules/*' {
  const glue: import('./modules.js').Glue;
  export default glue;
}
