import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * `npm run bench:idle`: the memory of the daemon with ten entries, against a node that does nothing. The entries are
 * told every two seconds, so that a minute here shows what hours show at a usual pace.
 */
const seconds = Number(process.argv[2] ?? 60)
const root = fileURLToPath(new URL('..', import.meta.url))
if (!existsSync(join(root, 'dist/healthz.js')))
  throw new Error('npm run build first: dist/ is what is measured')
const folder = mkdtempSync(join(tmpdir(), 'hz-'))
const port = 9188
writeFileSync(
  join(folder, 'ten.yaml'),
  `interval: 2s
store: { file: ${join(folder, 'healthz.db')} }
http: { listen: "127.0.0.1:${port}" }
channels: { console: { use: console } }
stories:
  - story: host
  - story: process
  - { story: http, name: "web-{n}", each: [${[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `{ n: ${n} }`)}], with: { url: "http://127.0.0.1:${port}/livez" } }
`,
)
const bare = start(['-e', 'setInterval(() => {}, 1000)'])
const daemon = start([join(root, 'dist/healthz.js'), '-d', '-c', join(folder, 'ten.yaml')])
try {
  console.log(`node ${process.version}; resident memory in MiB (of it not shared with files)\n`)
  console.log('after s   daemon        bare node')
  for (let at = 10; at <= seconds; at += 10) {
    await delay(10_000)
    console.log(`${String(at).padStart(7)}   ${memory(daemon)}   ${memory(bare)}`)
  }
} finally {
  daemon.kill()
  bare.kill()
  rmSync(folder, { recursive: true })
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function memory({ pid }: ChildProcess): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return `${mib('VmRSS').toFixed(1).padStart(5)} (${mib('RssAnon').toFixed(1)})`
}
