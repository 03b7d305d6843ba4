import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OutputBundle, Plugin } from 'rolldown'

/** Writes beside the bundle the licences of everything in it that is not ours. */
export function licences(fileName: string): Plugin {
  return {
    name: 'licences',
    generateBundle(_, bundle) {
      this.emitFile({ type: 'asset', fileName, source: licencesOf(packagesIn(bundle)) })
    },
  }
}

/** The folders of the packages whose modules are in the bundle. Helpers of the bundler count as its own. */
function packagesIn(bundle: OutputBundle): readonly string[] {
  const modules = Object.values(bundle).flatMap((output) => (output.type === 'chunk' ? output.moduleIds : []))
  const folders = modules.map((id) =>
    id.startsWith('\0')
      ? dirname(fileURLToPath(import.meta.resolve('rolldown/package.json')))
      : packageOf(id),
  )
  return [...new Set(folders)].filter((folder) => folder.includes('/node_modules/')).sort()
}

/** The folder of the package that a file belongs to: the nearest one whose package.json has a name and a version. */
function packageOf(file: string): string {
  let folder = dirname(file)
  while (!isPackage(folder)) folder = dirname(folder)
  return folder
}

function isPackage(folder: string): boolean {
  const path = join(folder, 'package.json')
  if (folder === dirname(folder)) return true
  if (!existsSync(path)) return false
  const { name, version } = JSON.parse(readFileSync(path, 'utf8'))
  return name !== undefined && version !== undefined
}

function licencesOf(packages: readonly string[]): string {
  const texts = packages.map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const by = typeof author === 'object' ? author.name : author
    const text =
      licenceIn(folder) ?? `Its package holds no licence text. By ${by ?? 'an author it does not name'}.`
    return `${name} ${version} (${license ?? 'licence not stated'})\n\n${text}`
  })
  const rule = `\n\n${'-'.repeat(80)}\n\n`
  return ['healthz holds code of these packages, each under its own licence.', ...texts]
    .join(rule)
    .concat('\n')
}

/** The licence and notice files of a package, or what its README says under that heading. */
function licenceIn(folder: string): string | undefined {
  const files = readdirSync(folder)
  const read = (file: string) => readFileSync(join(folder, file), 'utf8').trim()
  const own = files.filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  if (own.length > 0) return own.map(read).join('\n\n')
  const readme = files.find((file) => /^readme/i.test(file))
  return readme && /^(?:#+ *licen[cs]e|licen[cs]e\n-+)\n(.*)/ims.exec(read(readme))?.[1]?.trim()
}
