import { defineConfig } from 'tsdown';

/** The published package: the library and the command line, without their dependencies. */
export default defineConfig({
  // The worker is started by its file's name: src/engine/ort/worker/lane.ts.
  entry: {
    index: 'src/index.ts',
    cli: 'src/cli/main.ts',
    'session-worker': 'src/engine/ort/worker/session-worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  fixedExtension: false,
  dts: true,
  sourcemap: true,
});
