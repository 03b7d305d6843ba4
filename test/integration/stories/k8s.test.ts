import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { inspect } from 'node:util'
import { DidNotHelp } from 'healthz'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { accessOf } from '../../../stories/k8s/access.ts'
import story from '../../../stories/k8s/index.ts'
import { describeWith } from '../../support/needs.ts'
import { type Certificate, type Certificates, makeCertificates } from '../../support/servers/certificates.ts'
import { startHttpReceiver } from '../../support/servers/http-receiver.ts'
import { type Kubernetes, kubernetesToken, startKubernetes } from '../../support/servers/kubernetes.ts'
import { makeTempDir, type TempDir } from '../../support/servers/temp-dir.ts'
import { type Told, teller } from '../../support/teller.ts'

const minute = 60_000

describeWith(['openssl'], 'a cluster of Kubernetes, by the answers of its API', () => {
  let certificates: Certificates
  let ca: string
  let cluster: Kubernetes
  beforeAll(async () => {
    certificates = await makeCertificates()
    ca = await readFile(certificates.caFile, 'utf8')
  })
  afterAll(() => certificates?.[Symbol.asyncDispose]())
  beforeEach(async () => {
    cluster = await startKubernetes(certificates.valid)
    cluster.objects = {
      nodes: [node('n1'), node('n2'), node('n3')],
      deployments: [deployment('web', 3, 3)],
      statefulsets: [deployment('db', 1, 1)],
      daemonsets: [{ metadata: meta('agent'), status: { desiredNumberScheduled: 3, numberReady: 3 } }],
      pods: [pod('web-1', running()), pod('web-2', running()), pod('web-3', running())],
      cronjobs: [cronJob('backup', ago(30 * minute))],
      jobs: [{ metadata: meta('backup-1'), status: { conditions: [condition('Complete', 'True', '', 30)] } }],
      persistentvolumeclaims: [{ metadata: meta('data'), spec: {}, status: { phase: 'Bound' } }],
      storageclasses: [
        { metadata: { name: 'fast' }, volumeBindingMode: 'Immediate' },
        { metadata: { name: 'local' }, volumeBindingMode: 'WaitForFirstConsumer' },
      ],
    }
  })
  afterEach(() => cluster[Symbol.asyncDispose]())

  const tellerOf = (
    options: Record<string, unknown> = {},
    steps: Record<string, Record<string, unknown>> = {},
  ) => teller(story, { url: cluster.url, token: kubernetesToken, ca, ...options }, steps)
  const outcomesOf = (told: Told) =>
    Object.values(told.steps).map(({ step, outcome }) => `${step} ${outcome}`)

  /** A moment before the clock of the API server, as it writes it. */
  const ago = (ms: number) => new Date(cluster.at - ms).toISOString().replace('.000', '')
  const meta = (name: string, more: Record<string, unknown> = {}) => ({
    name,
    namespace: 'shop',
    uid: `uid of ${name}`,
    generation: 4,
    creationTimestamp: ago(86_400_000),
    ...more,
  })
  const condition = (type: string, status: string, reason = '', minutes = 1000) => ({
    type,
    status,
    reason,
    message: 'hunter2SECRET',
    lastTransitionTime: ago(minutes * minute),
  })
  const node = (name: string, ...conditions: object[]) => ({
    metadata: { name },
    spec: {},
    status: { conditions: [...conditions, condition('Ready', 'True', 'KubeletReady')] },
  })
  const deployment = (name: string, replicas: number, readyReplicas: number, ...conditions: object[]) => ({
    metadata: meta(name),
    spec: { replicas },
    status: { replicas, ...(readyReplicas > 0 && { readyReplicas }), observedGeneration: 4, conditions },
  })
  const running = () => ({ running: { startedAt: ago(80_000_000) } })
  const waiting = (reason: string) => ({ waiting: { reason, message: 'hunter2SECRET' } })
  const pod = (name: string, state: object, more: Record<string, unknown> = {}) => ({
    metadata: meta(name, {
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-5d4', controller: true }],
      ...(more['metadata'] as object),
    }),
    status: {
      phase: 'Running',
      conditions: [condition('Ready', 'True')],
      containerStatuses: [
        { name: 'app', restartCount: 0, state, lastState: {}, ...(more['container'] as object) },
      ],
      ...(more['status'] as object),
    },
  })
  const crashed = (exitCode: number, reason = 'Error', minutes = 2) => ({
    terminated: { exitCode, reason, finishedAt: ago(minutes * minute) },
  })
  const crashing = (name: string, minutes = 10) =>
    pod(name, waiting('CrashLoopBackOff'), {
      container: { restartCount: 7, lastState: crashed(1, 'Error', 120) },
      status: { conditions: [condition('ContainersReady', 'False', 'ContainersNotReady', minutes)] },
    })
  const cronJob = (name: string, lastSuccessfulTime: string | null, spec: object = {}) => ({
    metadata: meta(name),
    spec: { schedule: '0 * * * *', ...spec },
    status: lastSuccessfulTime === null ? {} : { lastSuccessfulTime },
  })

  test('a healthy one is fine, and what is listed comes in pages', async () => {
    const told = await tellerOf().tell()
    expect(outcomesOf(told)).toEqual([
      'connect ok',
      'api ok',
      'nodes ok',
      'workloads ok',
      'pods ok',
      'jobs ok',
      'pvc ok',
    ])
    expect(cluster.requests.filter(({ path }) => path === '/api/v1/pods')).toHaveLength(2)
    expect(cluster.requests.every(({ method }) => method === 'GET')).toBe(true)
  })

  test('an API server that is not ready is told with the checks that fail', async () => {
    cluster.readyz = {
      status: 500,
      body: '[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n[-]etcd-readiness failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n',
    }
    const told = await tellerOf().tell('api')
    expect(told.summaries('api')).toEqual([
      'the API server is not ready: these of its checks fail: etcd, etcd-readiness',
    ])
    expect(told.step('api').findings).toMatchObject([{ severity: 'critical' }])
  })

  test('a node that is lost, not ready or under pressure is told; one that is cordoned is left alone', async () => {
    const unready = (status: string, reason: string, minutes: number) =>
      condition('Ready', status, reason, minutes)
    cluster.objects['nodes'] = [
      { ...node('lost'), status: { conditions: [unready('Unknown', 'NodeStatusUnknown', 7)] } },
      { ...node('sick'), status: { conditions: [unready('False', 'KubeletNotReady', 6)] } },
      { ...node('new'), status: { conditions: [unready('False', 'KubeletNotReady', 4)] } },
      {
        ...node('kept'),
        spec: { unschedulable: true },
        status: { conditions: [unready('Unknown', 'x', 60)] },
      },
      node(
        'full',
        condition('DiskPressure', 'True', 'KubeletHasDiskPressure', 3),
        condition('MemoryPressure', 'False'),
      ),
    ]
    const told = await tellerOf().tell('nodes')
    expect(told.summaries('nodes')).toEqual([
      'nothing was heard of node lost for 7 min (limit 5 min)',
      'node sick has not been ready for 6 min (limit 5 min): KubeletNotReady',
      'node full reports DiskPressure for 3 min',
    ])
    expect(told.step('nodes').findings.map(({ severity }) => severity)).toEqual([
      'critical',
      'critical',
      'warning',
    ])
  })

  test('a workload without its pods is told once it has lasted, and until it is mended', async () => {
    cluster.objects['deployments'] = [
      deployment('down', 2, 0, condition('Available', 'False', 'MinimumReplicasUnavailable', 20)),
      deployment('less', 3, 2),
      deployment('off', 0, 0),
    ]
    const story = tellerOf()
    expect((await story.tell('workloads')).summaries('workloads')).toEqual([
      'Deployment shop/down has 0 of 2 pods ready for 20 min (limit 15 min)',
    ])
    cluster.at += 16 * minute
    const later = await story.tell('workloads')
    expect(later.summaries('workloads')).toEqual([
      'Deployment shop/down has 0 of 2 pods ready for 36 min (limit 15 min)',
      'Deployment shop/less has 2 of 3 pods ready for 16 min (limit 15 min)',
    ])
    expect(later.step('workloads').findings.map(({ severity }) => severity)).toEqual(['critical', 'warning'])
    // A new rollout that is under way does not make a told problem disappear.
    cluster.objects['deployments'] = [
      deployment('less', 3, 2, condition('Progressing', 'True', 'ReplicaSetUpdated', 0)),
    ]
    expect((await story.tell('workloads')).step('workloads').findings).toMatchObject([
      { key: 'Deployment shop/less' },
    ])
    cluster.objects['deployments'] = [deployment('less', 3, 3)]
    expect((await story.tell('workloads')).step('workloads').outcome).toBe('ok')
  })

  test('a rollout gets its time, and is told when Kubernetes has stopped waiting', async () => {
    cluster.objects['deployments'] = [
      deployment('web', 3, 2, condition('Progressing', 'True', 'ReplicaSetUpdated', 5)),
    ]
    const story = tellerOf({}, { workloads: { after: '2m' } })
    expect((await story.tell('workloads')).step('workloads').outcome).toBe('ok')
    cluster.objects['deployments'] = [
      deployment(
        'web',
        3,
        2,
        condition('Progressing', 'False', 'ProgressDeadlineExceeded', 1),
        condition('ReplicaFailure', 'True', 'FailedCreate', 1),
      ),
    ]
    const told = await tellerOf().tell('workloads')
    expect(told.summaries('workloads')).toEqual([
      expect.stringMatching(
        /^Deployment shop\/web has 2 of 3 pods ready .+, because pods cannot be made: FailedCreate$/,
      ),
    ])
  })

  test('a rollout is restarted as kubectl does it, unless somebody changed it', async () => {
    cluster.objects['deployments'] = [
      deployment('web', 2, 0, condition('Available', 'False', 'MinimumReplicasUnavailable', 20)),
    ]
    const story = tellerOf()
    const told = await story.tell('workloads')
    expect(told.step('workloads').findings).toMatchObject([{ cure: { consent: 'ask' } }])
    cluster.afterAct = () => {
      cluster.objects['deployments'] = [deployment('web', 2, 2)]
    }
    cluster.forbidden = ['patch deployments']
    await expect(told.cure('workloads/Deployment shop/web')).rejects.toMatchObject({
      reason: { values: ['patch deployments'] },
    })
    cluster.forbidden = []
    await told.cure('workloads/Deployment shop/web')
    const patch = cluster.requests.findLast(({ method }) => method === 'PATCH')
    expect(patch).toMatchObject({
      path: '/apis/apps/v1/namespaces/shop/deployments/web',
      type: 'application/strategic-merge-patch+json',
    })
    expect(JSON.parse(patch?.body ?? '')).toEqual({
      spec: {
        template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': expect.any(String) } } },
      },
    })
    expect((await story.tell('workloads')).step('workloads').outcome).toBe('ok')

    cluster.objects['deployments'] = [
      { ...deployment('web', 2, 0), metadata: meta('web', { generation: 5 }) },
    ]
    await expect(told.cure('workloads/Deployment shop/web')).rejects.toBeInstanceOf(DidNotHelp)
  })

  test('pods that crash, lack their image or settings, wait or are killed are told', async () => {
    const notReady = { conditions: [condition('ContainersReady', 'False', 'ContainersNotReady', 10)] }
    const owner = (name: string) => ({
      metadata: { ownerReferences: [{ kind: 'ReplicaSet', name, controller: true }] },
    })
    cluster.objects['pods'] = [
      crashing('web-1'),
      crashing('web-2'),
      pod('img-1', waiting('ImagePullBackOff'), { ...owner('img'), status: notReady }),
      pod('cfg-1', waiting('CreateContainerConfigError'), { ...owner('cfg'), status: notReady }),
      pod('fresh-1', waiting('ErrImagePull'), {
        ...owner('fresh'),
        status: { conditions: [condition('ContainersReady', 'False', '', 3)] },
      }),
      pod('hungry-1', running(), {
        ...owner('hungry'),
        container: { restartCount: 1, lastState: crashed(137, 'OOMKilled', 30) },
      }),
      pod('once-1', running(), {
        ...owner('once'),
        container: { restartCount: 1, lastState: crashed(137, 'OOMKilled', 90) },
      }),
      {
        metadata: meta('lone-1'),
        status: { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable', 20)] },
      },
      pod('done-1', { terminated: { exitCode: 0 } }, { ...owner('done'), status: { phase: 'Succeeded' } }),
      pod('job-1', waiting('CrashLoopBackOff'), {
        metadata: { ownerReferences: [{ kind: 'Job', name: 'job', controller: true }] },
        status: notReady,
      }),
    ]
    const told = await tellerOf().tell('pods')
    expect(told.summaries('pods')).toEqual([
      'app in the pod shop/web-1 has been crashing for 10 min (limit 5 min), the last time with exit code 1',
      'app in the pod shop/img-1 has lacked its image for 10 min (limit 5 min): ImagePullBackOff',
      'app in the pod shop/cfg-1 has lacked what its settings name for 10 min (limit 5 min): CreateContainerConfigError',
      'app in the pod shop/hungry-1 was killed for lack of memory 30 min ago',
      'the pod shop/lone-1 has found no node for 1 d (limit 15 min): Unschedulable',
    ])
    // Only one of the crashing pods may be deleted, and none that nobody makes anew.
    expect([...told.cures.keys()]).toEqual(['pods/shop/ReplicaSet/web-5d4 app'])
    expect(inspect(told, { depth: 20 })).not.toContain('hunter2SECRET')
  })

  test('a crash loop stays told in the moments in which it runs', async () => {
    cluster.objects['pods'] = [crashing('web-1')]
    const story = tellerOf()
    expect((await story.tell('pods')).step('pods').outcome).toBe('problem')
    const up = (minutes: number) =>
      pod(
        'web-1',
        { running: { startedAt: ago(minutes * minute) } },
        { container: { restartCount: 8, lastState: crashed(1, 'Error', minutes) } },
      )
    cluster.objects['pods'] = [up(1)]
    expect((await story.tell('pods')).step('pods').outcome).toBe('problem')
    cluster.objects['pods'] = [up(11)]
    expect((await story.tell('pods')).step('pods').outcome).toBe('ok')
  })

  test('restarts count as they happen, not by what the counter has always said', async () => {
    const restarts = (restartCount: number) => [pod('web-1', running(), { container: { restartCount } })]
    cluster.objects['pods'] = restarts(50)
    const story = tellerOf()
    expect((await story.tell('pods')).step('pods').outcome).toBe('ok')
    cluster.at += 5 * minute
    cluster.objects['pods'] = restarts(52)
    expect((await story.tell('pods')).step('pods').outcome).toBe('ok')
    cluster.at += 5 * minute
    cluster.objects['pods'] = restarts(53)
    expect((await story.tell('pods')).summaries('pods')).toEqual([
      'app in the pod shop/web-1 was restarted 3 times within 1 h (limit 3)',
    ])
    cluster.at += 70 * minute
    expect((await story.tell('pods')).step('pods').outcome).toBe('ok')
  })

  test('a crashing pod is deleted for a new one that stays up; one that crashes again is owned up to', async () => {
    const limits = { pods: { steady: '1s' } }
    cluster.objects['pods'] = [crashing('web-1')]
    const told = await tellerOf({}, limits).tell('pods')
    cluster.afterAct = () => cluster.objects['pods']?.push(pod('web-9', running()))
    await told.cure('pods/shop/ReplicaSet/web-5d4 app')
    const deleted = cluster.requests.find(({ method }) => method === 'DELETE')
    expect(deleted?.path).toBe('/api/v1/namespaces/shop/pods/web-1')
    expect(JSON.parse(deleted?.body ?? '')).toMatchObject({ preconditions: { uid: 'uid of web-1' } })

    cluster.objects['pods'] = [crashing('web-1')]
    const again = await tellerOf({}, limits).tell('pods')
    cluster.afterAct = () => cluster.objects['pods']?.push(crashing('web-10'))
    await expect(again.cure('pods/shop/ReplicaSet/web-5d4 app')).rejects.toMatchObject({
      reason: { template: 'the pod that took its place has the same trouble' },
    })
    await expect(again.cure('pods/shop/ReplicaSet/web-5d4 app')).rejects.toBeInstanceOf(DidNotHelp)
  })

  test('jobs that failed or are late are told; those that are suspended or made good are not', async () => {
    cluster.objects['cronjobs'] = [
      cronJob('late', ago(150 * minute)),
      cronJob('never', null),
      cronJob('asleep', null, { suspend: true }),
      cronJob('daily', ago(30 * 60 * minute), { schedule: '@daily' }),
      cronJob('odd', ago(minute), { schedule: '@every 5m' }),
      cronJob('fine', ago(10 * minute)),
    ]
    const failed = (name: string, minutes: number, owner?: string) => ({
      metadata: meta(
        name,
        owner === undefined ? {} : { ownerReferences: [{ kind: 'CronJob', name: owner, controller: true }] },
      ),
      status: { conditions: [condition('Failed', 'True', 'BackoffLimitExceeded', minutes)] },
    })
    cluster.objects['jobs'] = [failed('import', 20), failed('fine-1', 20, 'fine'), failed('old', 2000)]
    const told = await tellerOf().tell('jobs')
    expect(told.summaries('jobs')).toEqual([
      'the CronJob shop/late succeeded last 2 h 30 min ago (2026-11-21 09:30:00 UTC), and was due twice since',
      'the CronJob shop/never has never succeeded since it was made 1 d ago, and was due twice since',
      'the job shop/import failed 20 min ago: BackoffLimitExceeded',
    ])
    expect(told.reason('jobs')).toBe('the schedules of these cannot be read: shop/odd')
  })

  test('volume claims that wait or are lost are told, and volumes that fill', async () => {
    const claim = (name: string, phase: string, storageClassName: string, minutes = 20) => ({
      metadata: meta(name, { creationTimestamp: ago(minutes * minute) }),
      spec: { storageClassName },
      status: { phase },
    })
    cluster.objects['persistentvolumeclaims'] = [
      claim('waits', 'Pending', 'fast'),
      claim('new', 'Pending', 'fast', 5),
      claim('unused', 'Pending', 'local'),
      claim('gone', 'Lost', 'fast'),
    ]
    await using prometheus = await startHttpReceiver()
    const series = (namespace: string, persistentvolumeclaim: string, value: string) => ({
      metric: { namespace, persistentvolumeclaim },
      value: [1_732_190_400, value],
    })
    const result = [series('shop', 'data', '91.2'), series('shop', 'logs', '40'), series('other', 'x', '99')]
    prometheus.answer({ status: 200, body: { status: 'success', data: { resultType: 'vector', result } } })
    const told = await tellerOf({ prometheus: prometheus.url, ignore: ['other'] }).tell('pvc')
    expect(told.summaries('pvc')).toEqual([
      'the volume claim shop/gone has lost its volume',
      'the volume claim shop/waits has waited for a volume for 20 min (limit 15 min)',
      'the volume of shop/data is 91 % full (limit 85 %)',
    ])
    prometheus.answer({
      status: 200,
      body: { status: 'success', data: { resultType: 'vector', result: [] } },
    })
    const blind = await tellerOf({ prometheus: prometheus.url }).tell('pvc')
    expect(blind.reason('pvc')).toBe('Prometheus knows no volumes: does it scrape the kubelets?')
  })

  test('a right that is missing is unknown, with its name', async () => {
    cluster.forbidden = ['nodes', 'pods', 'deployments', 'cronjobs', 'persistentvolumeclaims', '/readyz']
    cluster.objects['statefulsets'] = [deployment('db', 1, 0, condition('Available', 'False', '', 20))]
    const told = await tellerOf().tell()
    expect(outcomesOf(told)).toEqual([
      'connect ok',
      'api unknown',
      'nodes unknown',
      'workloads problem',
      'pods unknown',
      'jobs unknown',
      'pvc unknown',
    ])
    expect(told.reason('nodes')).toMatch(/^the watchman's account may not list nodes of the whole cluster/)
    expect(told.reason('workloads')).toMatch(/may not list deployments/)
  })

  test('namespaces narrow what is asked for, for an account with a Role only', async () => {
    cluster.forbidden = ['all pods']
    cluster.objects['pods'] = [crashing('web-1'), pod('x', running(), { metadata: { namespace: 'other' } })]
    expect((await tellerOf().tell('pods')).step('pods').outcome).toBe('unknown')
    const told = await tellerOf({ namespaces: ['other'] }).tell('pods')
    expect(told.step('pods').outcome).toBe('ok')
    expect((await tellerOf({ namespaces: ['other', 'shop'] }).tell('pods')).step('pods').outcome).toBe(
      'problem',
    )
    cluster.forbidden = []
    expect((await tellerOf({ ignore: ['shop'] }).tell('pods')).step('pods').outcome).toBe('ok')
  })

  test('a version that does not know a kind, and an answer of another form, are unknown', async () => {
    delete cluster.objects['cronjobs']
    cluster.objects['nodes'] = [{ metadata: { name: 'n1' }, spec: {}, status: { conditions: 'none' } }]
    const told = await tellerOf().tell('jobs', 'nodes')
    expect(told.reason('jobs')).toBe('this version of Kubernetes does not know cronjobs')
    expect(told.reason('nodes')).toBe('the API server gave an answer of another form')
  })

  test('no token, a wrong one, a foreign authority and a server that hangs or is down are told apart', async () => {
    const kindOf = async (options: Record<string, unknown>) => {
      const told = await tellerOf(options).tell()
      expect(inspect(told, { depth: 20 })).not.toContain('hunter2SECRET')
      return told.step('connect').findings[0]?.evidence['kind']
    }
    expect(await kindOf({ token: undefined })).toBe('auth-missing')
    expect(await kindOf({ token: 'wrong-hunter2SECRET' })).toBe('auth-failed')
    expect(await kindOf({ ca: undefined })).toBe('tls-untrusted')
    await using other = await startHttpReceiver()
    expect(await kindOf({ url: other.url })).toBe('protocol')
    cluster.isHung = true
    expect(await kindOf({})).toBe('timeout-reply')
    await cluster.down()
    expect(await kindOf({})).toBe('refused')
  })

  test('who shows a certificate of the cluster needs no token; one that is worth nothing is told as such', async () => {
    await using certain = await startKubernetes(certificates.valid, certificates.caFile)
    Object.assign(certain, { objects: cluster.objects, at: cluster.at })
    const pemOf = async ({ certFile, keyFile }: Certificate) => {
      const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
      return { cert, key }
    }
    const tellAs = async (certificate: object) => {
      const told = await tellerOf({ url: certain.url, token: undefined, ...certificate }).tell()
      expect(inspect(told, { depth: 20 })).not.toContain('PRIVATE KEY')
      return told
    }
    const told = await tellAs(await pemOf(certificates.valid))
    expect(outcomesOf(told).filter((outcome) => !outcome.endsWith(' ok'))).toEqual([])

    for (const worthless of [certificates.selfSigned, certificates.expired]) {
      const refused = await tellAs(await pemOf(worthless))
      expect(refused.step('connect').findings).toMatchObject([
        { evidence: { kind: 'auth-failed' }, advice: { template: expect.stringContaining('certificate') } },
      ])
      expect(refused.summaries('connect').join()).toContain('its certificate is not known or has ended')
    }
    expect((await tellAs({})).step('connect').findings).toMatchObject([
      { evidence: { kind: 'auth-missing' } },
    ])

    const { cert } = await pemOf(certificates.valid)
    const { key } = await pemOf(certificates.soon)
    expect((await tellAs({ cert, key })).step('connect').outcome).toBe('unknown')
    for (const half of [{ cert }, { key }])
      expect(story.options.safeParse({ url: certain.url, ...half }).success).toBe(false)
  })

  describe('by a kubeconfig', () => {
    let dir: TempDir
    beforeEach(async () => {
      dir = await makeTempDir()
    })
    afterEach(() => dir[Symbol.asyncDispose]())

    const base64 = (text: string) => Buffer.from(text).toString('base64')
    /** Writes one as kubectl does, with a context that works and some that do not. */
    const write = async (more: { cluster?: object; user?: object; top?: object } = {}) => {
      const file = join(dir.path, 'config')
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'shop',
        contexts: [
          { name: 'shop', context: { cluster: 'main', user: 'watchman' } },
          { name: 'lost', context: { cluster: 'gone', user: 'watchman' } },
          { name: 'stranger', context: { cluster: 'main', user: 'gone' } },
        ],
        clusters: [
          {
            name: 'main',
            cluster: more.cluster ?? { server: cluster.url, 'certificate-authority-data': base64(ca) },
          },
        ],
        users: [{ name: 'watchman', user: more.user ?? { token: kubernetesToken } }],
        ...more.top,
      }
      await writeFile(file, stringify(config))
      return file
    }
    const tellBy = async (options: Record<string, unknown>) => {
      const told = await teller(story, options).tell()
      expect(inspect(told, { depth: 20 })).not.toContain('hunter2SECRET')
      expect(inspect(told, { depth: 20 })).not.toContain('PRIVATE KEY')
      return told
    }
    const wellBy = async (options: Record<string, unknown>) => {
      const told = await tellBy(options)
      return outcomesOf(told).filter((outcome) => !outcome.endsWith(' ok'))
    }

    test('data in the file, and files beside it, lead to the cluster', async () => {
      expect(await wellBy({ kubeconfig: await write() })).toEqual([])

      await mkdir(join(dir.path, 'pki'))
      await writeFile(join(dir.path, 'pki/ca.crt'), ca)
      await writeFile(join(dir.path, 'token'), `${kubernetesToken}\n`)
      const beside = { server: cluster.url, 'certificate-authority': 'pki/ca.crt' }
      // As kubectl has it, the file with a token is worth more than the token.
      const user = { tokenFile: './token', token: 'hunter2SECRET-old' }
      expect(await wellBy({ kubeconfig: await write({ cluster: beside, user }) })).toEqual([])
      const trusting = { server: cluster.url, 'insecure-skip-tls-verify': true }
      expect(await wellBy({ kubeconfig: await write({ cluster: trusting }) })).toEqual([])
      expect(await wellBy({ kubeconfig: await write({ cluster: { server: cluster.url } }) })).toContain(
        'connect problem',
      )
    })

    test('a certificate in it is shown, as data or as files', async () => {
      await using certain = await startKubernetes(certificates.valid, certificates.caFile)
      Object.assign(certain, { objects: cluster.objects, at: cluster.at })
      const { certFile, keyFile } = certificates.valid
      const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
      const place = { server: certain.url, 'certificate-authority-data': base64(ca) }
      const asData = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) }
      const asFiles = { 'client-certificate': relative(dir.path, certFile), 'client-key': keyFile }
      for (const user of [asData, asFiles])
        expect(await wellBy({ kubeconfig: await write({ cluster: place, user }) })).toEqual([])
      const half = await tellBy({
        kubeconfig: await write({ cluster: place, user: { 'client-certificate': certFile } }),
      })
      expect(half.reason('connect')).toContain('has a certificate without a key, or a key without one')
    })

    test('a user with a password is sent as such, and who it does not take is told', async () => {
      const user = { username: 'watchman', password: 'hunter2SECRET' }
      const told = await tellBy({ kubeconfig: await write({ user }) })
      expect(told.kinds()).toEqual([['connect', 'auth-failed']])
      expect(told.summaries('connect')[0]).toContain('it takes no user with a password, or not this one')
      expect(cluster.requests.at(-1)?.authorization).toBe(`Basic ${base64('watchman:hunter2SECRET')}`)
    })

    test('what the entry says wins, as the flags of kubectl do', async () => {
      const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws' }
      const kubeconfig = await write({ user: { exec } })
      expect(await wellBy({ kubeconfig, token: kubernetesToken })).toEqual([])
      const nowhere = await write({ cluster: { server: 'https://192.0.2.1:1' } })
      expect(await wellBy({ kubeconfig: nowhere, url: cluster.url, ca })).toEqual([])
      const told = await tellBy({ kubeconfig: await write(), token: 'wrong-hunter2SECRET' })
      expect(told.kinds()).toEqual([['connect', 'auth-failed']])
    })

    test.each([
      [
        { user: { exec: { command: 'aws' } } },
        {},
        /logs in by a program \(exec or auth-provider\).*token of a service account as "tokenFile"/,
      ],
      [{ user: { 'auth-provider': { name: 'gcp' } } }, {}, /logs in by a program/],
      [
        { user: { as: 'admin', token: 'hunter2SECRET' } },
        {},
        /sets as, which this story does not understand$/,
      ],
      [
        { cluster: { server: 'https://h', 'proxy-url': 'http://u:hunter2SECRET@p' } },
        {},
        /sets proxy-url, which/,
      ],
      [{ cluster: { server: 'https://h', 'tls-server-name': 'x' } }, {}, /sets tls-server-name, which/],
      [{ cluster: { server: 'hunter2SECRET' } }, {}, /names no cluster with a server$/],
      [{}, { context: 'lost' }, /names no cluster with a server$/],
      [{}, { context: 'stranger' }, /names a user that is not in it$/],
      [{}, { context: 'other' }, /has no context other \(it has: shop, lost, stranger\)$/],
      [{ top: { 'current-context': '' } }, {}, /has no current context: name one in the option "context"/],
      [{ top: { contexts: null } }, {}, /has no contexts$/],
      [{ user: { tokenFile: 'none' } }, {}, /^the file \/.*\/none cannot be read on this node$/],
      [{ top: { users: 'hunter2SECRET' } }, {}, /is no kubeconfig$/],
    ])('%o is told in one sentence that says what to do', async (more, options, said) => {
      const told = await tellBy({ kubeconfig: await write(more), ...options })
      expect(told.step('connect').outcome).toBe('unknown')
      expect(told.reason('connect')).toMatch(said)
      expect(cluster.requests).toEqual([])
    })

    test('a file that is not there, or holds something else, is told without its words', async () => {
      const file = join(dir.path, 'config')
      const none = await tellBy({ kubeconfig: file })
      expect(none.reason('connect')).toBe(`the file ${file} cannot be read on this node`)
      for (const text of ['token: "hunter2SECRET', '- hunter2SECRET', '', 'a: *hunter2SECRET']) {
        await writeFile(file, text)
        const told = await tellBy({ kubeconfig: file })
        expect(told.step('connect').outcome).toBe('unknown')
        expect(told.reason('connect')).toMatch(/is no kubeconfig$/)
      }
      expect(story.options.safeParse({ context: 'shop' }).success).toBe(false)
      expect(story.options.safeParse({ kubeconfig: '~/.kube/config' }).success).toBe(false)
    })
  })

  test('a pod finds its own cluster and token; elsewhere the URL is missed', async () => {
    await using dir = await makeTempDir()
    await writeFile(join(dir.path, 'token'), `${kubernetesToken}\n`)
    await writeFile(join(dir.path, 'ca.crt'), ca)
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' }
    const access = await accessOf(story.options.parse({}), dir.path, env)
    expect([access.url.href, access.token?.reveal(), access.ca]).toEqual([
      'https://[fd00::1]:6443/',
      kubernetesToken,
      ca.trim(),
    ])
    await expect(accessOf(story.options.parse({}), dir.path, {})).rejects.toMatchObject({
      reason: { template: expect.stringContaining('this is no pod of Kubernetes') },
    })
    const file = join(dir.path, 'token')
    expect((await tellerOf({ token: undefined, tokenFile: file }).tell('nodes')).step('nodes').outcome).toBe(
      'ok',
    )
    const none = await tellerOf({ token: undefined, tokenFile: `${file}2` }).tell()
    expect(none.reason('connect')).toBe(`the file ${file}2 cannot be read on this node`)
  })
})
