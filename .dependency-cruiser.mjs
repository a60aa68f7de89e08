/**
 * The layer order of ARCHITECTURE.md as a check: a layer imports only itself and those before it.
 * `npm run layers` applies it; test/support/layers.test.ts shows that it refuses violations.
 */
export const LAYERS = [
  'support',
  'tensor',
  'data',
  'text',
  'objective',
  'model',
  'engine',
  'export',
  'optim',
  'memory',
  'method',
  'eval',
  'train',
  'learn',
  'bench',
  'service',
  'cli',
];

const upward = LAYERS.slice(0, -1).map((layer, index) => ({
  name: `${layer}-imports-upward`,
  comment: `src/${layer} may import only ${LAYERS.slice(0, index + 1).join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: `^src/(${LAYERS.slice(index + 1).join('|')}|[^/]+\\.ts$)` },
}));

export default {
  forbidden: [
    ...upward,
    {
      name: 'unknown-layer',
      comment: 'A new folder of src/ needs its place in LAYERS.',
      severity: 'error',
      from: {},
      to: { path: '^src/[^/]+/', pathNot: `^src/(${LAYERS.join('|')})/` },
    },
    {
      name: 'product-imports-tests',
      comment: 'What is published never needs tests, benchmarks or scripts.',
      severity: 'error',
      from: { path: '^(src|bin|web)/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'studio-is-a-client',
      comment: 'The studio knows the service by its types alone, and draws with the pieces of the report.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^src/', pathNot: '^src/(service/.+|eval/number-text\\.ts|eval/report/page/.+)$' },
    },
    {
      name: 'studio-runs-nothing-of-the-service',
      comment: 'Of the service the studio takes types: its code runs in a browser.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^src/service/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-imports-the-studio',
      comment: 'The service answers with its files, as they were built.',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { path: '^web/' },
    },
    {
      name: 'generated-code-imports',
      comment: 'The generated protobuf code stands on its runtime library alone.',
      severity: 'error',
      from: { path: '^src/tensor/onnx/onnx_pb\\.ts$' },
      to: { pathNot: '^node_modules/@bufbuild/protobuf/' },
    },
    {
      name: 'undeclared-or-development-dependency',
      comment: 'src/ imports only what package.json lists under dependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'undetermined'] },
    },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'circular',
      comment: 'Types may refer to each other across files; code that runs may not.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    // Type-only imports count: they are dependencies of a reader's mind.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
