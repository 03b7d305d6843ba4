import { serverUrl, z } from 'healthz'

const pattern = z.string().min(1)

/** What `with:` of an entry may hold. */
export const options = z.strictObject({
  url: serverUrl('unix:', 'http:', 'https:').prefault('unix:///var/run/docker.sock'),
  ca: z
    .string()
    .meta({ description: 'the authority to trust, as PEM; better given as ${file:/etc/ssl/ca.pem}' })
    .optional(),
  insecure: z.boolean().meta({ description: 'accept any certificate' }).default(false),
  expect: z.array(z.string().min(1)).meta({ description: 'containers that must run, by name' }).default([]),
  ignore: z
    .array(pattern)
    .meta({ description: 'containers to leave alone, by name; * stands for anything' })
    .default([]),
})

export type Options = z.output<typeof options>
