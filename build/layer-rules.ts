import type { IRegularForbiddenRuleType } from 'dependency-cruiser'

/** Everything of ours; what lies outside is a library or of Node. */
const ours = '^(src|stories|channels|test|build|bench|web)/'

/** The floors below the program, side by side: none of them knows another. */
const parts = 'engine|store|config|http|cluster'

/** Imports point down only: main -> cli -> app -> parts -> core, and stories and channels -> 'healthz' -> core. */
export const layerRules: readonly IRegularForbiddenRuleType[] = [
  {
    name: 'no-cycle',
    comment: 'of two files that import each other neither can be read first',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'resolvable',
    comment: 'the imported file or library is not there',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  only('core', '^src/core/', ['^src/core/'], 'core says what things are and imports nothing of ours'),
  {
    name: 'core-is-pure',
    comment: 'core has no clock and no I/O',
    severity: 'error',
    from: { path: '^src/core/' },
    to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|util)$' },
  },
  only('clients', '^src/clients/', ['^src/(core|clients)/'], 'clients stand on core'),
  only('parts', `^src/(${parts})/`, ['^src/(core|$1)/'], 'a part stands on core and knows no other part'),
  only('index', '^src/index\\.ts$', ['^src/(core|clients)/'], "'healthz' offers core and clients to plugins"),
  only(
    'testing',
    '^src/testing(\\.ts$|/)',
    ['^src/(core|clients|engine|store)/', '^src/testing'],
    "'healthz/testing' tells stories as the engine does, and knows nothing above it",
  ),
  only('app', '^src/app(\\.ts$|/)', [`^src/(${parts}|core|clients)/`, '^src/app'], 'app is below the CLI'),
  only('cli', '^src/cli/', [`^src/(${parts}|core|clients|cli)/`, '^src/app'], 'the CLI is below main'),
  only('main', '^src/main\\.ts$', [`^src/(${parts}|core|clients|cli)/`, '^src/app'], 'main is the program'),
  {
    name: 'known-floor',
    comment: 'a new folder of src needs a floor in build/layer-rules.ts',
    severity: 'error',
    from: {
      path: '^src/',
      pathNot: `^src/((${parts}|core|clients|cli|app|testing)/|(index|testing|app|main)\\.ts$)`,
    },
    to: {},
  },
  only(
    'plugin-file',
    '^(stories|channels)/[^/]+$',
    ['^src/index\\.ts$'],
    "a plugin imports 'healthz' and nothing else of ours",
  ),
  only(
    'plugin-folder',
    '^(stories|channels)/([^/]+)/',
    ['^src/index\\.ts$', '^$1/$2/'],
    "a plugin imports 'healthz' and the files of its own folder",
  ),
  {
    name: 'plugin-by-name',
    comment: "a plugin says 'healthz', so that it works wherever its file lies",
    severity: 'error',
    from: { path: '^(stories|channels)/' },
    to: { path: '^src/', dependencyTypes: ['local'] },
  },
]

/** Of our own files `from` may import only `allowed`; `$1` stands for the first group of `from`. */
function only(
  name: string,
  from: string,
  allowed: readonly string[],
  comment: string,
): IRegularForbiddenRuleType {
  return { name, comment, severity: 'error', from: { path: from }, to: { path: ours, pathNot: [...allowed] } }
}
