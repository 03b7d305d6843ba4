import { count, say, tellSome } from 'healthz'
import { restartCure } from './start.ts'
import { step } from './target.ts'

/** The health checks of the containers pass. One that has just started gets the time its image gives it. */
export const health = step({
  title: say`no container fails its health check`,
  cures: [{ title: say`restart the container`, consent: 'ask' }],
  async check({ target, signal, note, problem }) {
    const { containers } = await target.look(signal)
    const checked = containers.filter(({ health, status }) => health !== null && status === 'running')
    if (checked.length > 0) note(say`${count(checked.length, 'container')} with a health check`)
    const sick = checked.flatMap((container) => {
      const { name, health } = container
      if (health?.status !== 'unhealthy') return []
      const code = health.exitCode === null ? '?' : String(health.exitCode)
      return {
        key: name,
        severity: 'critical' as const,
        summary: say`${name} runs, but ${count(health.failures, 'health check')} in a row failed (the last with exit code ${code})`,
        // What the check printed may hold a secret: it is for those who may ask the engine.
        advice: say`see what the check prints: docker inspect -f '{{json .State.Health}}' ${name}; and the end of its log: docker logs --tail 50 ${name}`,
        evidence: { container: name, failures: health.failures, exitCode: health.exitCode },
        resolve: restartCure(target, container),
      }
    })
    tellSome(sick, problem)
  },
})
