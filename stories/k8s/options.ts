import { secret, serverUrl, tlsOptions, z } from 'healthz'

const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, { error: 'not a name of Kubernetes' })

const shape = z.strictObject({
  kubeconfig: z
    .string()
    .startsWith('/', { error: 'not an absolute path' })
    .meta({
      description:
        'a kubeconfig that says the server and who asks, read anew each time; what stands here beside it wins, as the flags of kubectl do',
    })
    .optional(),
  context: z
    .string()
    .min(1)
    .meta({ description: 'a context of the kubeconfig; left out: its current one' })
    .optional(),
  url: serverUrl('https:', 'http:').meta({ description: 'the API server; in a pod it is known' }).optional(),
  token: secret().optional(),
  tokenFile: z
    .string()
    .startsWith('/', { error: 'not an absolute path' })
    .meta({ description: 'a file with the token, read anew each time: tokens of pods are renewed' })
    .optional(),
  cert: z
    .string()
    .meta({ description: 'the certificate to show instead of a token, as PEM, with its key' })
    .optional(),
  key: secret().optional(),
  ...tlsOptions(),
  namespaces: z
    .array(name)
    .min(1)
    .meta({ description: 'look at these only; left out: at all of them' })
    .optional(),
  ignore: z.array(name).meta({ description: 'namespaces to leave alone' }).default([]),
  prometheus: serverUrl('http:', 'https:')
    .meta({ description: 'knows how full the volumes are, from the kubelets' })
    .optional(),
})

/** What `with:` of an entry may hold. Left out, it is what a pod is given: its own cluster and service account. */
export const options = shape
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'a certificate to show takes both "cert" and "key"',
  })
  .refine(({ kubeconfig, context }) => context === undefined || kubeconfig !== undefined, {
    path: ['context'],
    error: 'needs a "kubeconfig"',
  })

export type Options = z.output<typeof options>
