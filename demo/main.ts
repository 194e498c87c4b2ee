// The page's entry: puts the parts together.
import { App } from './src/app.js';
import { startEngine } from './src/engine.js';
import { fetchSample } from './src/sample.js';
import { mountShell } from './src/views/shell.js';

const app = new App();
mountShell(document.getElementById('app')!, app);

const sample = fetchSample().then(
  (found) => app.store.set({ sample: found }),
  () => app.store.set({ sample: 'missing' }),
);
startEngine(sample).then(
  ({ features, offline }) => app.store.set({ engine: 'ready', features, offline }),
  () => app.store.set({ engine: 'failed' }),
);
