import { type ServerUrl, type Supervised, secret, serverUrl, z } from 'healthz'

/** What brings the server back, as an entry says it. */
export type ResolveWith =
  | { readonly by: 'unit'; readonly unit: string }
  | { readonly by: 'command'; readonly argv: readonly [string, ...string[]] }
  | ({ readonly by: 'supervisor' } & Supervised)

/** `unit:nginx`, `supervisor:web:gunicorn`, or the same at length. */
export function resolveWith() {
  return z.union([
    z
      .string()
      .regex(/^(?:unit:\w[\w@.:\\-]*|supervisor:[^\s:]+(?::[^\s:]+)?)$/, {
        error: 'not what resolves it; write it as unit:nginx or supervisor:web:gunicorn',
      })
      .transform((text): ResolveWith => {
        const name = text.slice(text.indexOf(':') + 1)
        if (text.startsWith('unit:')) return { by: 'unit', unit: name }
        return { by: 'supervisor', program: name, supervisor: ownSupervisor }
      }),
    z
      .strictObject({
        supervisor: serverUrl('unix:', 'http:', 'https:'),
        user: z.string().min(1).optional(),
        password: secret().optional(),
        program: z.string().min(1),
      })
      .transform((supervised): ResolveWith => ({ by: 'supervisor', ...supervised })),
    z
      .strictObject({ command: z.tuple([z.string().min(1)], z.string().min(1)) })
      .transform(({ command }): ResolveWith => ({ by: 'command', argv: command })),
  ])
}

const ownSupervisor: ServerUrl = {
  url: new URL('unix:///var/run/supervisor.sock'),
  user: undefined,
  password: undefined,
}
