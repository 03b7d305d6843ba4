import { execFile } from 'node:child_process'
import { chmodSync, cpSync, globSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bundle } from './bundle.ts'

/** Makes `dist/`: the program, 'healthz' for plugins with its types, the stories and the channels. */
async function build(root: string): Promise<void> {
  const dist = join(root, 'dist')
  rmSync(dist, { recursive: true, force: true })
  await Promise.all([bundle(root, dist), emitTypes(root)])
  cpSync(join(root, 'build/healthz.js'), join(dist, 'healthz.js'))
  chmodSync(join(dist, 'healthz.js'), 0o755)
  const files = globSync('**/*.js', { cwd: dist }).map(
    (file) => [file, statSync(join(dist, file)).size] as const,
  )
  for (const [file, size] of files.sort(([, a], [, b]) => b - a)) {
    console.log(`${String(Math.ceil(size / 1024)).padStart(5)} KiB  dist/${file}`)
  }
}

async function emitTypes(root: string): Promise<void> {
  const tsc = join(root, 'node_modules/.bin/tsc')
  try {
    await promisify(execFile)(tsc, ['--project', 'build/types.tsconfig.json'], { cwd: root })
  } catch (error) {
    // tsc says what is wrong on its standard output.
    throw new Error(`the types were not built:\n${(error as { stdout?: string }).stdout ?? ''}`, {
      cause: error,
    })
  }
}

await build(process.cwd())
