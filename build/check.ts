import { execFile } from 'node:child_process'
import { performance } from 'node:perf_hooks'

/** What must hold of the sources, and the command that says so. */
const checks: Readonly<Record<string, string>> = {
  types: 'tsc',
  lint: 'biome check --error-on-warnings',
  layers: 'node build/layers.ts',
  'dead code': 'knip',
  texts: 'node build/texts.ts',
  schema: 'node --conditions=healthz-source build/schema.ts --check',
  docs: 'node --conditions=healthz-source build/stories.ts --check',
}

interface Result {
  readonly name: string
  readonly isOk: boolean
  readonly output: string
}

/** One check in a process of its own; its line appears when it ends. */
function run(name: string, command: string): Promise<Result> {
  const start = performance.now()
  const [program = '', ...args] = command.split(' ')
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: 64 * 1024 ** 2 }, (error, stdout, stderr) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      console.log(`${error ? 'FAILED' : 'ok'.padEnd(6)}  ${name.padEnd(9)}  ${seconds.padStart(5)} s`)
      resolve({ name, isOk: error === null, output: `${stdout}${stderr}`.trim() || String(error) })
    })
  })
}

const results = await Promise.all(Object.entries(checks).map(([name, command]) => run(name, command)))
const failed = results.filter(({ isOk }) => !isOk)
for (const { name, output } of failed) console.log(`\n--- ${name}: ${checks[name]}\n${output}`)
if (failed.length > 0) process.exitCode = 1
