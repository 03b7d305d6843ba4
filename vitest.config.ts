import { defineConfig } from 'vitest/config'

// The first lets a story's import of 'healthz' find src/index.ts, not the built package; the others are Vite's own.
const conditions = ['healthz-source', 'module', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/{unit,integration,faults,e2e}/**/*.test.ts'],
    globalSetup: ['test/support/setup/shared-servers.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Longer than what a test waits for in it: on a busy machine `until` says what did not come, and when.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: [
      'default',
      ...(process.env['GITHUB_ACTIONS'] ? ['github-actions'] : []),
      './test/support/setup/left-out.ts',
    ],
  },
})
