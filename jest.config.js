// Jest runs ESM through Node's own loader (see the `test` script); ts-jest only strips the types.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }] },
  testTimeout: 30_000,
  maxWorkers: 2,
  // Jest keeps an AsyncLocalStorage and the modules of each file it has run; every promise of the next pays for all of them.
  workerIdleMemoryLimit: '512MB',
};
