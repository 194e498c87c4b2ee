// Before the JavaScript of modules with threads. Emscripten's threads wait for messages with
// Atomics.waitAsync on their own descriptor, and a finished thread leaves its waiter behind: a
// mutex that later gets that memory loses its wake-up to it, and whoever waits for the mutex sleeps
// for ever (seen with 6.0.5 in Node 20 and 24: a thread pool that hangs as it ends). Without
// waitAsync the messages come through postMessage.
var Atomics = Object.create(globalThis.Atomics, { waitAsync: { value: undefined } });
