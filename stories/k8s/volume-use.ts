import { CannotTell, request, type ServerUrl, say, z } from 'healthz'

export interface VolumeUse {
  readonly namespace: string
  readonly claim: string
  /** Of its bytes. */
  readonly pct: number
}

/** How full the claimed volumes are, as the kubelets tell Prometheus. @throws CannotTell */
export async function volumeUse(
  { url, user, password }: ServerUrl,
  signal: AbortSignal,
): Promise<readonly VolumeUse[]> {
  const asked = new URL(`${url.pathname.replace(/\/$/, '')}/api/v1/query`, url)
  asked.searchParams.set('query', query)
  const { status, body } = await request(asked, {
    user,
    password,
    maxBody: 33_554_432,
    timeout: 6000,
    signal,
  })
  const answer = status === 200 ? answerShape.safeParse(parseJson(body)).data : undefined
  if (answer === undefined) throw new CannotTell(say`Prometheus answered with HTTP status ${String(status)}`)
  return answer.data.result.flatMap(({ metric, value: [, text] }) => {
    const { namespace, persistentvolumeclaim: claim } = metric
    const pct = Number(text)
    return namespace === undefined || claim === undefined || !Number.isFinite(pct)
      ? []
      : [{ namespace, claim, pct }]
  })
}

const query =
  'max by (namespace, persistentvolumeclaim) (100 * kubelet_volume_stats_used_bytes / kubelet_volume_stats_capacity_bytes)'

const answerShape = z.looseObject({
  data: z.looseObject({
    result: z.array(
      z.looseObject({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
})

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined // no JSON: no shape accepts it
  }
}
