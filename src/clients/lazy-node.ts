/**
 * Parts of node that are loaded when first used: a run that speaks neither HTTP nor TLS starts 20 to 40 ms sooner
 * without them (npm run bench:once).
 */
export const lazyNode = {
  http: () => process.getBuiltinModule('node:http'),
  https: () => process.getBuiltinModule('node:https'),
  tls: () => process.getBuiltinModule('node:tls'),
}
