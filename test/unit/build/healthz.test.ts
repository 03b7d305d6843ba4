import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'

const source = readFileSync(new URL('../../../build/healthz.js', import.meta.url), 'utf8')

test.each(['9.11.2', '20.20.2', '22.21.9', '23.11.0', '24.10.0'])(
  'Node %s is told that it is too old',
  (node) => {
    expect(start(node)).toEqual({
      said: [`healthz needs Node >= 22.22 or >= 24.11, this is v${node}`],
      exitCode: 2,
      imported: [],
      hasCache: false,
    })
  },
)

test.each(['22.22.0', '24.11.0', '25.1.0', '26.10.0'])('Node %s starts the program', (node) => {
  expect(start(node)).toEqual({ said: [], exitCode: undefined, imported: ['./main.js'], hasCache: true })
})

/** Runs the file on what calls itself this version of Node. */
function start(node: string) {
  const said: string[] = []
  const imported: string[] = []
  let hasCache = false
  const process = {
    version: `v${node}`,
    versions: { node },
    exitCode: undefined,
    getBuiltinModule: () => ({ enableCompileCache: () => (hasCache = true) }),
  }
  const globals = {
    process,
    console: { error: (line: string) => said.push(line) },
    imports: (file: string) => imported.push(file),
  }
  // A context of its own has no loader: what would be loaded is noted instead.
  runInNewContext(source.replace('import(', 'imports('), globals)
  return { said, exitCode: process.exitCode, imported, hasCache }
}
