import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { VariableDeclaration } from '@swc/core'
import { Visitor } from '@swc/core/Visitor.js'
import { cruise, type ICruiseResult, type IModule } from 'dependency-cruiser'
import { parseSync } from 'rolldown/utils'
import { layerRules } from './layer-rules.ts'

export interface Layers {
  /** How many of our files were read. */
  readonly files: number
  /** How many imports they hold, those of libraries and of Node included. */
  readonly imports: number
  /** A line for each import that breaks a rule and for each that dependency-cruiser did not see. */
  readonly faults: readonly string[]
}

const folders = ['src', 'stories', 'channels', 'build', 'test', 'bench']

/**
 * Holds the imports of the tree at `root` against the layer rules, with dependency-cruiser. It was seen to report
 * success where it had read nothing, so what it read is compared with what is on the disk.
 */
export async function checkLayers(root: string): Promise<Layers> {
  const files = globSync(`{${folders.join(',')}}/**/*.ts`, { cwd: root })
  if (files.length === 0)
    return { files: 0, imports: 0, faults: [`there is not one file to check in ${root}`] }
  const { modules, summary } = await cruiseTree(root, files)
  const seen = new Map(modules.map((module) => [module.source, module]))
  return {
    files: files.filter((file) => seen.has(file)).length,
    imports: summary.totalDependenciesCruised ?? 0,
    faults: [
      ...summary.violations.map(({ rule, from, to, cycle }) => {
        const path = cycle ? cycle.map((step) => step.name).join(' -> ') : to
        const why = layerRules.find(({ name }) => name === rule.name)?.comment
        return `${rule.name}: ${from} -> ${path}${why === undefined ? '' : `\n    ${why}`}`
      }),
      ...files.flatMap((file) => overlooked(join(root, file), file, seen.get(file))),
    ],
  }
}

async function cruiseTree(root: string, files: readonly string[]): Promise<ICruiseResult> {
  teachUsing()
  const { output } = await cruise([...files], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: [...layerRules] },
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: '(^|/)node_modules/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['healthz-source', 'import', 'node', 'types', 'default'],
    },
  })
  if (typeof output === 'string') throw new Error(`dependency-cruiser gave no result but: ${output}`)
  return output
}

/** The visitor of @swc/core throws at `using`, which is younger than it. It is marked obsolete and stays as it is. */
function teachUsing(): void {
  const { visitStatement } = Visitor.prototype
  Visitor.prototype.visitStatement = function (statement) {
    return visitStatement.call(this, asConst(statement) ?? statement)
  }
}

/** A `using` as the `const` it would otherwise be. The types of @swc/core do not know what its parser returns. */
function asConst(statement: object): VariableDeclaration | null {
  const { type, decls, ...rest } = statement as { type: string; decls?: unknown }
  if (type !== 'UsingDeclaration') return null
  return { ...rest, type: 'VariableDeclaration', kind: 'const', declarations: decls } as VariableDeclaration
}

/** The imports of a file that another parser sees and dependency-cruiser does not. */
function overlooked(path: string, file: string, module: IModule | undefined): readonly string[] {
  if (module === undefined) return [`unread: dependency-cruiser did not read ${file}`]
  const seen = new Set(module.dependencies.map((dependency) => dependency.module))
  return [...new Set(importsOf(path))]
    .filter((name) => !seen.has(name.replace(/^node:/, '')) && !seen.has(name))
    .map((name) => `unread: dependency-cruiser did not see that ${file} imports ${name}`)
}

/** What a file imports and re-exports, and what it imports later under a constant name. */
function importsOf(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8')
  const { staticImports, staticExports, dynamicImports } = parseSync(path, text).module
  return [
    ...staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
    ...dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
      return /^(['"])(.*)\1$/.exec(text.slice(start, end))?.[2] ?? []
    }),
  ]
}

if (import.meta.main) {
  const { files, imports, faults } = await checkLayers(process.cwd())
  for (const fault of faults) console.error(fault)
  console.log(`${imports} imports in ${files} files, ${faults.length} of them against the rules`)
  if (faults.length > 0) process.exitCode = 1
}
