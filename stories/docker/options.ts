import { serverUrl, tlsOptions, z } from 'healthz'

const pattern = z.string().min(1)

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  url: serverUrl('unix:', 'http:', 'https:').prefault('unix:///var/run/docker.sock'),
  ...tlsOptions(),
  expect: z.array(z.string().min(1)).meta({ description: 'containers that must run, by name' }).default([]),
  ignore: z
    .array(pattern)
    .meta({ description: 'containers to leave alone, by name; * stands for anything' })
    .default([]),
})

export type Options = z.output<typeof options>
