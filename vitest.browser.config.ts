import { defineConfig } from 'vitest/config';

/** `npm run test:browser`: the console in a real browser. Apart from `npm test`, which must need no browser. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.test.ts'],
    setupFiles: ['test/setup/own-home.ts'],
    pool: 'forks',
    // One browser at a time: this project is built for machines with two cores.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
