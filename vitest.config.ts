import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/*.browser.test.ts', '**/node_modules/**'],
    // R27: one setup file gives every test a home of its own; nothing reads the real one.
    setupFiles: ['test/setup/own-home.ts'],
    pool: 'forks',
    // vitest leaves a core free, which on two cores is one file at a time; most of a file's time is waiting for processes.
    maxWorkers: 2,
    // As the program itself runs (docs/decisions/0020).
    execArgv: ['--no-memory-protection-keys'],
    // Far beyond what any takes: a slow machine is no failure.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
