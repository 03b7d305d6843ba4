import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Script } from '../../core/redis-link.ts'

/**
 * A script as Redis 7 and later take it, with leave to run where memory is full, and as Redis 6 does: there
 * leadership ends with the memory.
 */
export interface Scripts {
  readonly flagged: Script
  readonly plain: Script
}

/** Reads a script of the coordinator, with what all of them begin with. */
export function controlScripts(): Readonly<Record<ControlScript, Scripts>> {
  const prelude = `${clock()}\n${read(new URL('./lua/prelude.lua', import.meta.url))}`
  const scripts = (url: URL) => bothOf(`${prelude}\n${read(url)}`)
  return {
    join: scripts(new URL('./lua/join.lua', import.meta.url)),
    tick: scripts(new URL('./lua/tick.lua', import.meta.url)),
    claim: scripts(new URL('./lua/claim.lua', import.meta.url)),
    release: scripts(new URL('./lua/release.lua', import.meta.url)),
    retire: scripts(new URL('./lua/retire.lua', import.meta.url)),
    leave: scripts(new URL('./lua/leave.lua', import.meta.url)),
  }
}

export type ControlScript = 'join' | 'tick' | 'claim' | 'release' | 'retire' | 'leave'

export function recordsScripts(): Scripts {
  return bothOf(`${clock()}\n${read(new URL('./lua/records.lua', import.meta.url))}`)
}

export function isolatedScripts(): Scripts {
  return bothOf(`${clock()}\n${read(new URL('./lua/isolated.lua', import.meta.url))}`)
}

/** Lua that defines the function `guard`, and nothing else. */
export function guardLua(): string {
  const body = read(new URL('./lua/guard.lua', import.meta.url))
  return `local function guard(keys, args, offset)\n${clock()}\n${body}end\n`
}

function clock(): string {
  return read(new URL('./lua/clock.lua', import.meta.url))
}

function read(url: URL): string {
  return readFileSync(url, 'utf8')
}

function bothOf(lua: string): Scripts {
  return { flagged: scriptOf(`#!lua flags=allow-oom\n${lua}`), plain: scriptOf(lua) }
}

function scriptOf(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
