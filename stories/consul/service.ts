import {
  CannotTell,
  ConnectionFailure,
  type Cure,
  connectTcp,
  count,
  launch,
  type Problem,
  say,
  type Text,
  tellSome,
  z,
} from 'healthz'
import type { Agent } from './agent.ts'
import type { Service } from './options.ts'
import { step } from './target.ts'

/** Clients find enough instances of every service that must be there. */
export const service = step({
  title: say`every service has enough instances`,
  on: ({ services }) => services.length > 0,
  cures: [{ title: say`run the configured start command`, consent: 'ask' }],
  async check({ target, options, signal, note, problem, cannotTell }) {
    const seen = await Promise.all(
      options.services.map(async (wanted) => ({
        wanted,
        all: await instancesOf(wanted.name, target, signal).catch(asUntold),
      })),
    )
    const untold: Text[] = []
    const found: Problem[] = []
    for (const { wanted, all } of seen) {
      if (all instanceof CannotTell) {
        untold.push(say`${wanted.name}: ${all.reason}`)
        continue
      }
      const passing = all.filter(isPassing)
      note(say`${passing.length} of ${count(all.length, 'instance')} of ${wanted.name} pass`)
      if (passing.length >= wanted.min) continue
      found.push({
        key: wanted.name,
        severity: 'critical',
        summary: say`${passing.length} of ${count(all.length, 'instance')} of the service ${wanted.name} pass (at least ${wanted.min} needed)`,
        advice: await adviceOn(
          wanted.name,
          all.filter((instance) => !isPassing(instance)),
          signal,
        ),
        evidence: {
          service: wanted.name,
          passing: passing.length,
          registered: all.length,
          needed: wanted.min,
        },
        ...(wanted.start !== undefined && { resolve: start(wanted, wanted.start, target) }),
      })
    }
    tellSome(found, problem)
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

const instancesShape = z.array(
  z.looseObject({
    Node: z.looseObject({ Node: z.string(), Address: z.string() }),
    Service: z.looseObject({ ID: z.string(), Address: z.string().nullish(), Port: z.number() }),
    Checks: z.array(z.looseObject({ Status: z.string() })).nullish(),
  }),
)

type Instance = z.output<typeof instancesShape>[number]

async function instancesOf(
  name: string,
  agent: Agent,
  signal: AbortSignal,
): Promise<z.output<typeof instancesShape>> {
  const right = 'service:read, node:read'
  const path = `/v1/health/service/${encodeURIComponent(name)}`
  const found = await agent.get(path, instancesShape, right, signal)
  if (found.length === 0) await agent.mustSee(right, signal)
  return found
}

/** One service that cannot be told of leaves the others their say. */
function asUntold(error: unknown): CannotTell {
  if (error instanceof CannotTell) return error
  throw error
}

/** As `?passing=1` takes it: a check that warns counts against it. */
const isPassing = ({ Checks }: Instance) => (Checks ?? []).every(({ Status }) => Status === 'passing')

/** A dead service is told from a dead registration by one look at the port itself. */
async function adviceOn(name: string, down: readonly Instance[], signal: AbortSignal): Promise<Text> {
  const [first] = down
  if (first === undefined) return say`start an instance of ${name}, and see that it registers with its agent`
  const host = first.Service.Address || first.Node.Address
  const { Port: port } = first.Service
  if (port === 0) return say`see what the check of ${first.Service.ID} says, and start it`
  try {
    const socket = await connectTcp({ host, port }, { signal, connectTimeout: 1000 })
    socket.destroy()
    return say`${host}:${String(port)} takes connections, so it is the check that fails: see what it says, or correct the registration`
  } catch (error) {
    if (!(error instanceof ConnectionFailure)) throw error
    return say`start ${first.Service.ID} on ${first.Node.Node}: ${error.summary}; if it is gone for good, deregister it`
  }
}

function start({ name, min }: Service, argv: readonly [string, ...string[]], agent: Agent): Cure {
  return {
    title: say`run the configured start command, ${argv[0]}`,
    consent: 'ask',
    target: `${agent.address} ${name}`,
    // The check of a new instance runs after its interval for the first time.
    settle: 10_000,
    within: 90_000,
    async run({ signal }) {
      const passing = (await instancesOf(name, agent, signal)).filter(isPassing)
      if (passing.length < min) await launch(argv, signal)
    },
  }
}
