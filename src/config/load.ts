import { hostname } from 'node:os'
import type { Channel } from '../core/channel.ts'
import type { Entry, Plan } from '../core/plan.ts'
import type { Plugins } from '../core/plugins.ts'
import { createRedactor } from '../core/secret.ts'
import type { Story } from '../core/story.ts'
import { english, type Language, say } from '../core/text.ts'
import { readChannels } from './channels.ts'
import { check, type Reading } from './check.ts'
import { readCluster } from './cluster.ts'
import { readEntries } from './entries.ts'
import { ConfigFaults } from './fault.ts'
import { readConfigFile } from './file.ts'
import { hashOf } from './hash.ts'
import { kindsOf } from './kinds.ts'
import { type Parsed, parse } from './parse.ts'
import { type AllPlugins, withFolders } from './plugin-folders.ts'
import { channelShape, storyShape } from './plugin-shape.ts'
import { get, isMapping, type Raw } from './raw.ts'
import { checkRoutes } from './routes.ts'
import { standardTop, type Top, topSchema } from './schema.ts'
import { type Environment, substitute } from './substitute.ts'

export interface LoadRequest {
  /** The configuration file; null: the built-in configuration. */
  readonly file: string | null
  readonly env: Environment
  /** The built-in kinds of stories. */
  readonly kinds: Plugins<Story>
  /** The built-in kinds of channels. */
  readonly channelKinds: Plugins<Channel>
  /** Gives the texts of a language other than English. */
  readonly language: (code: string) => Promise<Language>
  /** The URL of the running package's index: what 'healthz' leads to for files in `plugins`. null: no such link. */
  readonly index?: string | null
  readonly overrides?: Overrides
}

/** What the command line says louder than the file. */
export interface Overrides {
  /** The pace of entries that have none of their own, in milliseconds. */
  readonly interval?: number | undefined
  /** Whether cures run, for all entries. */
  readonly resolve?: Entry['resolve']['mode'] | undefined
  readonly language?: 'en' | 'zh-CN' | undefined
}

/** The plan that a configuration file makes with its environment. Throws `ConfigFaults` with every fault at once. */
export async function loadPlan(request: LoadRequest): Promise<Plan> {
  const parsed = parse(await readConfigFile(request.file))
  const { source, findings } = parsed
  const substituted = parsed.isUsable ? await substitute(source, request.env, findings) : null
  const raw = substituted && rawOf(parsed)
  if (substituted === null || raw === null) throw new ConfigFaults(await findings.all())

  const redact = createRedactor(substituted.values)
  const reading: Reading = { source, findings, substituted, redact, secrets: new Set(substituted.secrets) }
  const plan = await read(raw, request, reading)
  if (findings.count > 0) throw new ConfigFaults(await findings.all(), await languageIn(raw, request))
  const whole = { ...plan, secrets: [...reading.secrets] }
  return { ...whole, hash: hashOf(whole) }
}

/** The kinds that a configuration can name: the built-in ones, and those of the folders in its `plugins`. */
export async function loadKinds(request: LoadRequest): Promise<AllPlugins> {
  const builtIn = { stories: request.kinds, channels: request.channelKinds }
  const { source, findings, isUsable } = parse(await readConfigFile(request.file))
  if (!isUsable) return builtIn
  const substituted = await substitute(source, request.env, findings)
  const raw = rawOf({ source, findings, isUsable })
  if (substituted === null || raw === null) return builtIn
  const redact = createRedactor(substituted.values)
  const reading: Reading = { source, findings, substituted, redact, secrets: new Set(substituted.secrets) }
  return withFolders(builtIn, get(raw, 'plugins'), request.index ?? null, reading)
}

/** More uses of one anchor than this are a bomb, not a configuration. */
const mostAliases = 200

/** The whole file as plain values; null where it is none that can be looked at. */
function rawOf({ source, findings }: Parsed): Raw | null {
  if (source.document.contents === null) {
    findings.atOffset(0, say`the file is empty`, { hint: say`it needs at least: stories: [{ story: host }]` })
    return null
  }
  try {
    const raw: unknown = source.document.toJS({ maxAliasCount: mostAliases })
    if (isMapping(raw)) return raw
    findings.at([], say`the file must be a mapping, with keys such as "stories" and "channels"`)
  } catch (error) {
    if (error instanceof ReferenceError) findings.atOffset(0, say`aliases of aliases grow out of all bounds`)
    else findings.atOffset(0, say`"<<" takes over mappings only`)
  }
  return null
}

async function read(
  raw: Raw,
  request: LoadRequest,
  reading: Reading,
): Promise<Omit<Plan, 'secrets' | 'hash'>> {
  const { overrides = {}, index = null } = request
  const top = check(topSchema, raw, [], reading)?.value ?? standardTop()
  const builtIn = { stories: request.kinds, channels: request.channelKinds }
  const plugins = await withFolders(builtIn, get(raw, 'plugins'), index, reading)
  const stories = kindsOf(plugins.stories, storyShape.noun, reading)
  const [{ entries, names }, channels, language, kinds] = await Promise.all([
    readEntries(get(raw, 'stories'), {
      ...reading,
      stories,
      top: { interval: overrides.interval ?? top.interval, alarms: top.alarms },
      resolveMode: overrides.resolve ?? null,
    }),
    readChannels(get(raw, 'channels'), kindsOf(plugins.channels, channelShape.noun, reading), reading),
    languageOf(overrides.language ?? top.language, request),
    stories.names(),
  ])
  const channelNames = Object.keys(isMapping(raw['channels']) ? raw['channels'] : {})
  checkRoutes(get(raw, 'alarms'), { channels: channelNames, entries: names, kinds }, reading)
  return {
    platform: top.platform,
    node: top.node ?? hostname(),
    language,
    entries,
    channels,
    alarms: alarmsOf(top),
    store: top.store,
    http: top.http,
    limits: top.limits,
    cluster: readCluster(raw, reading),
    consul: consulOf(top, reading),
    roles: top.roles,
  }
}

/** Consul asks whether this process lives, so that it must answer. */
function consulOf({ consul, http }: Top, { findings }: Reading): Plan['consul'] {
  if (consul !== undefined && http === null) {
    const hint = say`let "http" listen where the agent reaches it, or leave "consul" out`
    findings.atKey(['consul'], say`Consul asks this process over HTTP whether it lives, and "http" is off`, {
      hint,
    })
  }
  return consul ?? null
}

/** The language that a file asks for, whatever else is wrong with it; null where it asks for none that is known. */
async function languageIn(raw: Raw, request: LoadRequest): Promise<Language | null> {
  const code = topSchema.shape.language.safeParse(get(raw, 'language') ?? null)
  return code.success ? languageOf(code.data, request) : null
}

function alarmsOf({ alarms }: Top): Plan['alarms'] {
  const { groupWait, routes, fallback = null, fallbackAfter, afterCause } = alarms
  return { groupWait, routes, fallback, fallbackAfter, afterCause }
}

async function languageOf(code: string, request: LoadRequest): Promise<Language> {
  return code === english.code ? english : request.language(code)
}
