import { globSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { rolldown } from 'rolldown'
import { licences } from './licences.ts'
import { slim } from './slim.ts'

/**
 * Bundles the program, 'healthz' and each story and channel, with all of their libraries, into ES modules at `out`.
 * They share what they have in common, so a plugin sees the same 'healthz' as the program, and a client is read only
 * when something uses it.
 */
export async function bundle(root: string, out: string): Promise<void> {
  await using building = await rolldown({
    cwd: root,
    input: entriesOf(root),
    platform: 'node',
    resolve: { conditionNames: ['healthz-source', 'import', 'node', 'default'] },
    transform: { target: 'node22' },
    // Its files do nothing when they are read, but do not say so: a story needs a few of them.
    treeshake: { moduleSideEffects: [{ test: /\/@platformatic\/kafka\//, sideEffects: false }] },
    // A file that is read at run time comes along, where it is named by `new URL('./it', import.meta.url)`.
    experimental: { resolveNewUrlToAsset: true },
    plugins: [slim(), licences('THIRD-PARTY-LICENSES.txt')],
  })
  const { output } = await building.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    // Names and lines stay, for stack traces and for libraries that go by names; they cost no time at the start.
    minify: { compress: { keepNames: { function: true, class: true } }, mangle: false, codegen: false },
    comments: false,
    // What every run needs stands in one file: each file more costs its finding, reading and linking.
    codeSplitting: {
      groups: [
        {
          name: 'base',
          test: /src\/(core|config|engine|store|clients)\/|src\/cli\/(once|load|live|language|report)|node_modules\/(zod|yaml|p-limit|yocto-queue)\//,
        },
      ],
    },
  })
  for (const chunk of output.filter((file) => file.type === 'chunk')) {
    if (chunk.imports.includes('main.js')) throw new Error(`${chunk.fileName} would start the program again`)
  }
}

/** Name and file of each entry: a plugin is a file, or a folder with an index.ts. */
function entriesOf(root: string): Record<string, string> {
  const plugins = globSync('{stories,channels}/{*.ts,*/index.ts}', { cwd: root }).map((file) => {
    const name = basename(file) === 'index.ts' ? dirname(file) : file.slice(0, -'.ts'.length)
    return [name, file]
  })
  return {
    main: './src/main.ts',
    index: './src/index.ts',
    testing: './src/testing.ts',
    ...Object.fromEntries(plugins),
  }
}
