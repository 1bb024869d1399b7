/** Who may import whom (design §7). ARCHITECTURE.md explains the rooms. */
const room = (name) => `^src/${name}/`;
const flows = ['telemetry', 'sessions', 'records', 'memory'];
const only = (from, allowed) => ({
  name: `${from}-imports`,
  severity: 'error',
  comment: `src/${from} may import only: ${[from, ...allowed].join(', ')}`,
  from: { path: room(from) },
  to: { path: '^src/', pathNot: [from, ...allowed].map(room) },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unlisted-package', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] } },
    { name: 'no-dev-package-in-product', severity: 'error', from: { path: '^src/', pathNot: '\\.(test|contract)\\.ts$' }, to: { dependencyTypes: ['npm-dev'] } },
    { name: 'no-test-code-in-product', severity: 'error', from: { path: '^src/', pathNot: '\\.(test|contract)\\.ts$' }, to: { path: ['^test/', '^bench/', '\\.(test|contract)\\.ts$'] } },
    only('platform', []),
    only('storage', ['platform']),
    only('redaction', ['platform']),
    only('engine', ['platform', 'storage']),
    only('agents', ['platform']),
    ...flows.map((flow) => only(flow, ['platform', 'storage', 'engine', 'redaction', 'agents'])),
    only('config', ['platform']),
    only('sandbox', ['platform']),
    only('console', ['platform', 'runtime', ...flows]),
    only('server', ['platform', 'storage', 'engine', 'redaction', 'config', 'console', 'runtime', ...flows]),
    only('runtime', ['platform', 'storage', 'engine', 'redaction', 'agents', 'config', 'server', 'console', 'sandbox', ...flows]),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
