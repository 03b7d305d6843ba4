import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { javaArguments, kafkaJars } from './kafka.ts'
import { canConnect, freePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'

/** Starts an ensemble of ZooKeeper servers, or one that stands alone, out of the jars of Kafka. */
export async function startZookeeper({ servers: size = 1, conf = '' } = {}): Promise<Zookeeper> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await makeTempDir()).path
  const ports = await freePorts(size * 3)
  const nodes = Array.from({ length: size }, (_, index) => {
    const [client = 0, peer = 0, election = 0] = ports.slice(index * 3)
    return { id: index + 1, dir: join(home, `z${index + 1}`), client, peer, election }
  })
  const members = nodes.map(({ id, peer, election }) => `server.${id}=127.0.0.1:${peer}:${election}`)
  const jars = await kafkaJars()
  const started = await Promise.allSettled(
    nodes.map(async ({ id, dir, client }) => {
      await mkdir(dir)
      await writeFile(join(dir, 'myid'), `${id}\n`)
      await writeFile(
        join(dir, 'zoo.cfg'),
        `dataDir=${dir}
clientPort=${client}
clientPortAddress=127.0.0.1
tickTime=500
initLimit=20
syncLimit=10
admin.enableServer=false
${size > 1 ? members.join('\n') : ''}
${conf}
`,
      )
      const server = await startServer({
        name: 'zookeeper',
        command: 'java',
        args: [
          ...javaArguments(jars, 64),
          'org.apache.zookeeper.server.quorum.QuorumPeerMain',
          join(dir, 'zoo.cfg'),
        ],
        dir,
        ready: () => canConnect(client),
        deadline: 60_000,
      })
      return { ...server, port: client }
    }),
  )
  const servers = started.flatMap((start) => (start.status === 'fulfilled' ? [stack.use(start.value)] : []))
  const failed = started.find((start) => start.status === 'rejected')
  if (failed) throw failed.reason
  const owned = stack.move()
  return { servers, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface Zookeeper extends AsyncDisposable {
  readonly servers: readonly (ServerProcess & { readonly port: number })[]
}
