import { count, type Problem, say, tellSome, z } from 'healthz'
import { step } from './target.ts'

/** Every rule of Prometheus can be evaluated: one that fails raises no alert. */
export const rules = step({
  title: say`every rule can be evaluated`,
  on: ({ url }) => url !== undefined,
  async check({ target, signal, note, problem }) {
    const { groups } = await target.get('/api/v1/rules', shape, signal)
    const all = groups.flatMap((group) => group.rules.map((rule) => ({ group: group.name, ...rule })))
    note(say`${count(all.length, 'rule')}`)
    const failing = all.filter(({ health }) => health === 'err')
    const found = [...Map.groupBy(failing, ({ group, name }) => `${group}/${name}`)].map(
      ([key, [rule]]): Problem => ({
        key,
        severity: 'warning',
        summary:
          rule?.type === 'alerting'
            ? say`the alert ${key} cannot be evaluated, so it cannot fire`
            : say`the recording rule ${key} cannot be evaluated, so its series has gaps`,
        advice: say`correct its expression; what is wrong stands in the evidence`,
        evidence: { rule: key, lastError: (rule?.lastError ?? '').slice(0, 300) },
      }),
    )
    tellSome(found, problem)
  },
})

const shape = z.looseObject({
  groups: z.array(
    z.looseObject({
      name: z.string(),
      rules: z.array(
        z.looseObject({
          name: z.string(),
          type: z.string().default(''),
          health: z.string(),
          lastError: z.string().optional(),
        }),
      ),
    }),
  ),
})
