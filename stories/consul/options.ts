import { secret, serverUrl, tlsOptions, z } from 'healthz'

const service = z.strictObject({
  name: z.string().min(1),
  min: z.int().min(1).meta({ description: 'how many instances must pass' }).default(1),
  start: z
    .tuple([z.string().min(1)], z.string())
    .meta({ description: 'the words of a command that starts it, run on consent' })
    .optional(),
})

const registration = z
  .looseObject({
    ID: z.string().min(1),
    Name: z.string().min(1),
    Address: z.string().optional(),
    Port: z.int().min(0).max(65_535).optional(),
  })
  .meta({ description: 'as of PUT /v1/agent/service/register' })

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  url: serverUrl('http:', 'https:').meta({
    description: 'an agent, best the one on this host: http://127.0.0.1:8500',
  }),
  token: secret().optional(),
  ...tlsOptions(),
  expectServers: z.int().min(1).meta({ description: 'how many servers the cluster must have' }).optional(),
  services: z
    .array(
      z.union([
        z
          .string()
          .min(1)
          .transform((name): z.output<typeof service> => ({ name, min: 1 })),
        service,
      ]),
    )
    .max(100)
    .meta({ description: 'services that must be there' })
    .default([]),
  registrations: z
    .array(registration)
    .max(50)
    .meta({
      description: 'services that must be registered with this agent; they are registered again on consent',
    })
    .default([]),
})

export type Options = z.output<typeof options>
export type Service = Options['services'][number]
export type Registration = Options['registrations'][number]
