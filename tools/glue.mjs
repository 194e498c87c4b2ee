// Makes of Emscripten's JavaScript a part of our bundles: it asks its caller for everything that
// depends on where it runs. web/src/modules.ts calls it.

/**
 * Replaces the one place where `pattern` stands; the build fails when em++ writes something else.
 */
function replaceOne(code, pattern, replacement, what) {
  const count = [...code.matchAll(pattern)].length;
  if (count !== 1) {
    throw new Error(
      `tools/glue.mjs: ${what} is ${count} times in what em++ wrote, wanted once: this em++ is not known`,
    );
  }
  return code.replace(pattern, () => replacement);
}

/**
 * `code` is the module `name` that em++ wrote with -sMODULARIZE -sEXPORT_ES6
 * -sENVIRONMENT=web,worker. The result is a module whose default export is the factory, without
 * side effects.
 */
export function adaptGlue(code, name) {
  // Threads start themselves when the script is loaded: here worker.ts decides.
  code = replaceOne(code, /export default Module;[^]*$/g, 'export default Module;', 'the export');
  // The file is never fetched by this code; left in, bundlers would look for it.
  code = replaceOne(
    code,
    /new URL\("[^"]+\.wasm",\s*import\.meta\.url\)\.href/g,
    '""',
    'the address of the .wasm',
  );
  // Nothing here is found by the script's address, and making one of what is none costs an
  // exception.
  code = replaceOne(
    code,
    /_scriptName\s*=\s*import\.meta\.url/g,
    '_scriptName=""',
    'the address of the script',
  );
  code = replaceOne(
    code,
    /try\s*\{\s*scriptDirectory\s*=\s*new URL\("\.",\s*_scriptName\)\.href;?\s*\}\s*catch\s*\{\s*\}/g,
    '',
    'the folder of the script',
  );
  code = code.replaceAll(`${name}.wasm`, '');
  if (!name.endsWith('-threads')) return code;
  code = replaceOne(
    code,
    /new Worker\(new URL\("[^"]+",\s*import\.meta\.url\),\s*\{[^}]*\}\)/g,
    'Module["createWorker"]()',
    'the start of a worker',
  );
  return replaceOne(
    code,
    /ENVIRONMENT_IS_PTHREAD\s*=\s*ENVIRONMENT_IS_WORKER\s*&&\s*globalThis\.name\s*==\s*"em-pthread"/g,
    'ENVIRONMENT_IS_PTHREAD=!!Module["thread"]',
    'the test for a thread',
  );
}
