import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineChannel, defineStory, duration, secret, serverUrl, z } from 'healthz'
import { ConfigFaults, printFaults } from '../../../src/config/fault.ts'
import { type LoadRequest, loadPlan } from '../../../src/config/load.ts'
import type { Channel } from '../../../src/core/channel.ts'
import type { Plan } from '../../../src/core/plan.ts'
import type { Plugins } from '../../../src/core/plugins.ts'
import type { Story } from '../../../src/core/story.ts'
import { english } from '../../../src/core/text.ts'
import { makeTempDir } from '../../support/servers/temp-dir.ts'

const cache = defineStory({
  title: 'Cache',
  options: z.strictObject({
    url: serverUrl('redis:', 'rediss:'),
    password: secret().optional(),
    timeout: duration('2s'),
    db: z.int().min(0).max(15).default(0),
    tls: z.boolean().default(false),
    mode: z.enum(['single', 'sentinel', 'cluster']).default('single'),
    replica: z.boolean().default(false),
    note: z.string().optional(),
  }),
  steps: {
    memory: {
      title: 'memory is left',
      limits: z.strictObject({ warning: z.number().default(80), critical: z.number().default(90) }),
      check: () => {},
    },
    latency: { title: 'it answers soon', check: () => {} },
    replication: { title: 'replicas follow', on: ({ replica }) => replica, confirm: 1, check: () => {} },
    audit: { title: 'nothing odd', on: false, limits: z.object({ most: z.number() }), check: () => {} },
  },
})

const web = defineStory({
  title: 'Site',
  options: z.object({
    url: z.url(),
    port: z.number().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    expect: z.union([z.int(), z.enum(['any']), z.array(z.int())]).optional(),
  }),
  steps: { status: { title: 'it answers', check: () => {} } },
})

const mail = defineChannel({
  title: 'Mail',
  options: z.strictObject({
    smtp: serverUrl('smtp:', 'smtps:'),
    to: z.array(z.email()).min(1),
    password: secret().optional(),
  }),
  send: async () => {},
})

const print = defineChannel({ title: 'Console', options: z.strictObject({}), send: async () => {} })

/** Plugins that are there already. */
export function given<Plugin>(plugins: Readonly<Record<string, unknown>>): Plugins<Plugin> {
  return {
    names: async () => Object.keys(plugins).sort(),
    load: async (kind) => plugins[kind] as Plugin,
  }
}

export const stories = given<Story>({ cache, web })
export const channels = given<Channel>({ mail, console: print })

/** Writes a configuration into a directory of its own and loads it. */
export async function load(text: string | Uint8Array, request: Partial<LoadRequest> = {}): Promise<Plan> {
  await using dir = await makeTempDir()
  const file = join(dir.path, 'healthz.yaml')
  await writeFile(file, text)
  return await loadFile(file, request)
}

export function loadFile(file: string | null, request: Partial<LoadRequest> = {}): Promise<Plan> {
  return loadPlan({
    file,
    env: {},
    kinds: stories,
    channelKinds: channels,
    language: async (code) => ({ code, texts: {} }),
    ...request,
  })
}

/** The faults of a configuration as `line:column  message; hint`; empty where it is sound. */
export async function faultsOf(
  text: string | Uint8Array,
  request: Partial<LoadRequest> = {},
): Promise<string[]> {
  try {
    await load(text, request)
    return []
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error
    return error.faults.map(
      (fault) =>
        printFaults([{ ...fault, file: '' }], english)
          .split('\n')[0]
          ?.slice(1) ?? '',
    )
  }
}

/** A configuration around the lines of one entry's settings. */
export function entry(...lines: readonly string[]): string {
  return ['stories:', '  - story: cache', ...lines.map((line) => `    ${line}`), ''].join('\n')
}
