import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ESTree, parseSync, Visitor } from 'rolldown/utils'

/** What a translator has to translate: each key of `locales/*.json` with the place where its English stands. */
export interface Texts {
  readonly keys: ReadonlyMap<string, string>
  /** A line for each text that no translator can ever see. */
  readonly faults: readonly string[]
}

/** Said by src/core/text.ts itself: units, and what stands between groups of digits and the items of a list. */
const standing = [...['ms', 's', 'min', 'h', 'd'].map((unit) => `unit ${unit}`), '# %', 'digit groups', ', ']

/** The texts for people in `src`, `stories` and `channels` of the tree at `root`. */
export function textsOfTree(root: string): Texts {
  const files = globSync('{src,stories,channels}/**/*.ts', { cwd: root }).sort()
  const told = files.map((file) => textsOf(file, readFileSync(join(root, file), 'utf8')))
  return {
    keys: new Map([
      ...told.flatMap(({ keys }) => [...keys]),
      ...standing.map((key) => [key, 'src/core/text.ts'] as const),
    ]),
    faults: told.flatMap(({ faults }) => faults),
  }
}

/**
 * The texts of one file: its `say` templates, the nouns of its `count`, whatever it calls the two, and what the
 * schemas of options say.
 */
export function textsOf(file: string, source: string): Texts {
  const { program, errors } = parseSync(file, source)
  if (errors[0] !== undefined) return { keys: new Map(), faults: [`${file}: ${errors[0].message}`] }
  const names = importedNames(program)
  const keys = new Map<string, string>()
  const faults: string[] = []
  const where = (node: ESTree.Node) => `${file}:${source.slice(0, node.start).split('\n').length}`
  new Visitor({
    TaggedTemplateExpression(node) {
      if (nameOf(node.tag, names) === 'say') keys.set(templateOf(node.quasi), where(node))
    },
    ObjectExpression(node) {
      for (const text of issueTextsOf(node)) keys.set(text, where(node))
    },
    CallExpression(node) {
      for (const text of schemaTextsOf(node, file)) keys.set(text, where(node))
      if (nameOf(node.callee, names) !== 'count') return
      const nouns = nounsOf(node.arguments)
      if (nouns === null) faults.push(`${where(node)}: count() needs its noun as a literal, to be translated`)
      for (const noun of nouns ?? []) keys.set(`# ${noun}`, where(node))
    },
  }).visit(program)
  return { keys, faults }
}

/** What is wrong with a translation: texts left out, left over, and with other values than the English. */
export function faultsOf(texts: Texts, translation: Readonly<Record<string, unknown>>): readonly string[] {
  const missing = [...texts.keys].filter(([key]) => !Object.hasOwn(translation, key))
  const stale = Object.keys(translation).filter((key) => !texts.keys.has(key))
  const kept = Object.entries(translation).filter(([key]) => texts.keys.has(key))
  return [
    ...texts.faults,
    ...missing.map(([key, where]) => `missing: ${JSON.stringify(key)} (${where})`),
    ...stale.map((key) => `stale: ${JSON.stringify(key)} stands nowhere in the code`),
    ...kept.flatMap(([key, said]) => {
      if (typeof said !== 'string' || said === '') return [`empty: ${JSON.stringify(key)}`]
      const [wanted, found] = [valuesOf(key, key), valuesOf(said, key)]
      return wanted === found
        ? []
        : [`values: ${JSON.stringify(key)} has ${wanted || 'none'}, its translation has ${found || 'none'}`]
    }),
  ]
}

/** `say` and `count` by the names that the file gives them. */
function importedNames(program: ESTree.Program): ReadonlyMap<string, string> {
  const imports = program.body.filter((statement) => statement.type === 'ImportDeclaration')
  return new Map(
    imports
      .filter(({ source }) => source.value === 'healthz' || source.value.endsWith('/text.ts'))
      .flatMap(({ specifiers }) => specifiers.filter((specifier) => specifier.type === 'ImportSpecifier'))
      .map(({ imported, local }) => [local.name, 'name' in imported ? imported.name : imported.value]),
  )
}

function nameOf(expression: ESTree.Expression, names: ReadonlyMap<string, string>): string | undefined {
  return expression.type === 'Identifier' ? names.get(expression.name) : undefined
}

/** The template as `say` builds it. */
function templateOf(quasi: ESTree.TemplateLiteral): string {
  const parts = quasi.quasis.map((part) => part.value.cooked ?? part.value.raw)
  return parts.reduce((before, part, index) => `${before}{${index - 1}}${part}`)
}

/** The plural nouns that `count(n, one, many)` may say; null where they are not written out. */
function nounsOf([, one, many]: ESTree.CallExpression['arguments']): readonly string[] | null {
  if (many !== undefined) return literalsOf(many)
  return one === undefined ? null : (literalsOf(one)?.map((noun) => `${noun}s`) ?? null)
}

/** What a schema tells people: its faults and, where `healthz stories` shows them, what its fields are for. */
function schemaTextsOf({ callee, arguments: given }: ESTree.CallExpression, file: string): readonly string[] {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return []
  const isShown = /^(stories|src\/core)\//.test(file)
  const [first] = given
  if (first?.type === 'Literal' && callee.property.name === 'describe') {
    return isShown ? (literalsOf(first) ?? []) : []
  }
  const said = given.flatMap((argument) => (argument.type === 'ObjectExpression' ? fieldsOf(argument) : []))
  const names = isShown ? ['error', 'description'] : ['error']
  return said.flatMap(([name, value]) => (names.includes(name) ? (literalsOf(value) ?? []) : []))
}

/** The fault of a whole value: its words stand beside its path or its code. */
function issueTextsOf(issue: ESTree.ObjectExpression): readonly string[] {
  const said = fieldsOf(issue)
  const isIssue = said.some(([name]) => name === 'path' || name === 'code')
  return said.flatMap(([name, value]) => (isIssue && name === 'message' ? (literalsOf(value) ?? []) : []))
}

function fieldsOf({ properties }: ESTree.ObjectExpression): readonly (readonly [string, ESTree.Node])[] {
  return properties.flatMap((property) => {
    if (property.type !== 'Property' || property.key.type !== 'Identifier') return []
    return [[property.key.name, property.value] as const]
  })
}

/** A string literal, or both branches of a condition. */
function literalsOf(node: ESTree.Node): readonly string[] | null {
  if (node.type === 'Literal' && typeof node.value === 'string') return [node.value]
  if (node.type !== 'ConditionalExpression') return null
  const [yes, no] = [literalsOf(node.consequent), literalsOf(node.alternate)]
  return yes && no && [...yes, ...no]
}

/** What a text must hold so that no figure is lost: its `{0} {2}`, and the `#` of a counted noun. */
function valuesOf(text: string, key: string): string {
  if (key.startsWith('# ')) return text.includes('#') ? '#' : ''
  return [...new Set(text.match(/\{\d+\}/g))].sort().join(' ')
}

const languages = ['zh-CN']

/** Whether the translations are whole. With `--list` a skeleton of what they miss, to be filled in. */
function main(root: string, isList: boolean): void {
  const texts = textsOfTree(root)
  const faults = languages.flatMap((language) => {
    const translation = readTranslation(join(root, `locales/${language}.json`))
    if (isList) console.log(JSON.stringify(skeleton(texts, translation), null, 2))
    return faultsOf(texts, translation).map((fault) => `${language}: ${fault}`)
  })
  if (isList) return
  for (const fault of faults) console.error(fault)
  console.log(`${texts.keys.size} texts in ${languages.join(', ')}: ${faults.length} faults`)
  if (faults.length > 0) process.exitCode = 1
}

/** One that is not there yet translates nothing. */
function readTranslation(path: string): Readonly<Record<string, unknown>> {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
}

function skeleton(texts: Texts, translation: object): Readonly<Record<string, ''>> {
  const missing = [...texts.keys.keys()].filter((key) => !Object.hasOwn(translation, key))
  return Object.fromEntries(missing.map((key) => [key, '']))
}

if (import.meta.main) main(process.cwd(), process.argv.includes('--list'))
