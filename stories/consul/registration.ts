import { type Cure, count, say, type Text, z } from 'healthz'
import { type Agent, whyForbidden } from './agent.ts'
import type { Registration } from './options.ts'
import { step } from './target.ts'

/** What this agent must know is registered, and nothing is registered twice. */
export const registration = step({
  title: say`every registration is there, and there once`,
  on: ({ registrations }) => registrations.length > 0,
  cures: [{ title: say`register the service again`, consent: 'ask' }],
  async check({ target, options, signal, note, problem, cannotTell }) {
    const untold: Text[] = []
    const services = Object.values(await servicesOf(target, signal))
    note(say`${count(services.length, 'service')} registered with ${target.address}`)
    for (const wanted of options.registrations) {
      const { ID, Name, Port } = wanted
      if (!services.some((service) => service.ID === ID)) {
        const hidden = await whyHidden(ID, target, signal)
        if (hidden !== null) {
          untold.push(say`${ID}: ${hidden}`)
          continue
        }
        problem({
          key: ID,
          severity: 'warning',
          summary: say`${ID} (service ${Name}) is not registered with ${target.address}`,
          advice: say`have the program register itself at its start; an agent forgets what it was told when its data directory is lost`,
          evidence: { id: ID, service: Name },
          resolve: registerAgain(wanted, target),
        })
        continue
      }
      const twins = services.filter(
        (service) => service.ID !== ID && Port !== undefined && Port > 0 && isSamePlace(service, wanted),
      )
      if (twins.length === 0) continue
      problem({
        key: `twin ${ID}`,
        severity: 'warning',
        summary: say`${ID} and ${twins.map((twin) => twin.ID)} are registered for one and the same port ${String(Port)}`,
        advice: say`deregister the one that is left over from an earlier start: consul services deregister -id=${twins[0]?.ID ?? ''}; with DeregisterCriticalServiceAfter in its check it goes by itself`,
        evidence: { id: ID, twins: twins.map((twin) => twin.ID).join(', ') },
      })
    }
    if (untold.length > 0) cannotTell(say`${untold}`)
  },
})

const serviceShape = z.looseObject({
  ID: z.string(),
  Service: z.string(),
  Address: z.string().nullish(),
  Port: z.number().nullish(),
})

const servicesOf = (agent: Agent, signal: AbortSignal) =>
  agent.get('/v1/agent/services', z.record(z.string(), serviceShape), 'service:read', signal)

/**
 * Why one that is not among the services may be there all the same; null where it is not. Asked for by its id, the agent
 * refuses what it leaves out of a list in silence.
 */
async function whyHidden(id: string, agent: Agent, signal: AbortSignal): Promise<Text | null> {
  const { status, body } = await agent.ask(`/v1/agent/service/${encodeURIComponent(id)}`, signal)
  if (status === 404) return null
  if (status === 403) return whyForbidden(body, 'service:read')
  return say`Consul answered with HTTP status ${String(status)}`
}

function isSamePlace(service: z.output<typeof serviceShape>, { Address = '', Port }: Registration): boolean {
  return service.Port === Port && (service.Address ?? '') === Address
}

/** Registering what is there already changes nothing. */
function registerAgain(wanted: Registration, agent: Agent): Cure {
  return {
    title: say`register ${wanted.ID} again`,
    consent: 'ask',
    target: `${agent.address} ${wanted.ID}`,
    run: ({ signal }) =>
      agent.put('/v1/agent/service/register?replace-existing-checks=true', wanted, 'service:write', signal),
  }
}
