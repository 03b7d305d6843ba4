#!/usr/bin/env node
// Runs on any Node, to say in words that it is too old instead of failing at the first new syntax of main.js.
const [major, minor] = process.versions.node.split('.').map(Number)
const isFit = (major === 22 && minor >= 22) || (major === 24 && minor >= 11) || major > 24

if (isFit) {
  process.getBuiltinModule('node:module').enableCompileCache()
  import('./main.js')
} else {
  console.error(`healthz needs Node >= 22.22 or >= 24.11, this is ${process.version}`)
  process.exitCode = 2
}
