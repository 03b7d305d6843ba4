import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Certificate } from './certificates.ts'
import { type KafkaAdmin, kafkaAdmin } from './kafka-admin.ts'
import { mavenJars } from './maven.ts'
import { freePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/**
 * Starts Apache Kafka in KRaft mode: brokers that are controllers too. Whoever comes to a plain port may do anything;
 * at the other ports the users of `users` log in (PLAIN, or SCRAM once the admin made one) and may do what the ACLs
 * allow.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const { brokers: size = 1 } = options
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await makeTempDir()).path
  const ports = await freePorts(size * 4)
  const nodes = Array.from({ length: size }, (_, index) => {
    const [plain = 0, controller = 0, sasl = 0, tls = 0] = ports.slice(index * 4)
    return { id: index + 1, dir: join(home, `k${index + 1}`), plain, controller, sasl, tls }
  })
  const jars = await kafkaJars()
  const cluster = randomBytes(16).toString('base64url')
  const started = await Promise.allSettled(
    nodes.map((node) => startBroker(node, nodes, { ...options, jars, cluster })),
  )
  const brokers = started.flatMap((start) => (start.status === 'fulfilled' ? [stack.use(start.value)] : []))
  const failed = started.find((start) => start.status === 'rejected')
  if (failed) throw failed.reason
  const admin = stack.use(await kafkaAdmin(brokers.map(({ port }) => port)))
  await until('all brokers are known', async () => (await admin.brokers()).length === size, {
    deadline: 30_000,
  })
  const owned = stack.move()
  return { brokers, admin, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export interface KafkaOptions {
  /** Default 1. */
  readonly brokers?: number
  /** Users of the other ports, with their passwords. */
  readonly users?: Readonly<Record<string, string>>
  /** Opens the port that speaks TLS. */
  readonly certificate?: Certificate
  /** More lines of server.properties; they win over those of the harness. */
  readonly conf?: string
}

export interface Kafka extends AsyncDisposable {
  readonly brokers: readonly KafkaBroker[]
  readonly admin: KafkaAdmin
}

export interface KafkaBroker extends ServerProcess {
  readonly id: number
  /** Where anybody may do anything. */
  readonly port: number
  /** Where users log in. */
  readonly saslPort: number
  /** Where users log in over TLS. */
  readonly tlsPort: number
}

/** Runs Kafka's own tool, `kafka-acls` with these arguments, against this cluster instead of the one that they name. */
export async function kafkaAcls({ brokers }: Kafka, [tool, ...args]: readonly string[]): Promise<void> {
  if (tool !== 'kafka-acls') throw new Error(`${tool} is not kafka-acls`)
  const server = args.indexOf('--bootstrap-server') + 1
  const java = javaArguments(await kafkaJars(), 64)
  const given = args.with(server, `127.0.0.1:${brokers[0]?.port}`)
  await promisify(execFile)('java', [...java, 'kafka.admin.AclCommand', ...given], { timeout: 60_000 })
}

/** The jars of Kafka, which bring those of ZooKeeper along. */
export const kafkaJars = () =>
  mavenJars('kafka-3.9.1', ['org.apache.kafka:kafka_2.13:3.9.1', 'org.slf4j:slf4j-simple:1.7.36'])

/** Small, and soon up rather than fast for long. */
export const javaArguments = (jars: string, heap: number): readonly string[] => [
  ...['-Xms32m', `-Xmx${heap}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'],
  ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(jars, '*')],
]

interface Node {
  readonly id: number
  readonly dir: string
  readonly plain: number
  readonly controller: number
  readonly sasl: number
  readonly tls: number
}

async function startBroker(
  node: Node,
  nodes: readonly Node[],
  options: KafkaOptions & { readonly jars: string; readonly cluster: string },
): Promise<KafkaBroker> {
  const { id, dir, plain } = node
  await format(node, options.cluster)
  await writeFile(join(dir, 'server.properties'), await propertiesOf(node, nodes, options))
  const server = await startServer({
    name: 'kafka',
    command: 'java',
    args: [...javaArguments(options.jars, 192), 'kafka.Kafka', join(dir, 'server.properties')],
    dir,
    ready: async () => {
      const admin = await kafkaAdmin([plain])
      await using _ = admin
      return (await admin.brokers()).some((broker) => broker === id)
    },
    deadline: 60_000,
  })
  return { ...server, id, port: plain, saslPort: node.sasl, tlsPort: node.tls }
}

/** What `kafka-storage format` writes, without another JVM. */
async function format({ id, dir }: Node, cluster: string): Promise<void> {
  await mkdir(join(dir, 'logs'), { recursive: true })
  const directory = randomBytes(16).toString('base64url')
  await writeFile(
    join(dir, 'logs', 'meta.properties'),
    `version=1\ncluster.id=${cluster}\nnode.id=${id}\ndirectory.id=${directory}\n`,
  )
}

async function propertiesOf(node: Node, nodes: readonly Node[], options: KafkaOptions): Promise<string> {
  const { id, dir, plain, controller, sasl, tls } = node
  const { users = {}, certificate, conf = '' } = options
  const copies = nodes.length
  const listeners = [
    `PLAINTEXT://127.0.0.1:${plain}`,
    ...(options.users ? [`SASL_PLAINTEXT://127.0.0.1:${sasl}`] : []),
    ...(certificate ? [`SASL_SSL://localhost:${tls}`] : []),
  ]
  const logins = Object.entries(users).map(([user, password]) => `user_${user}="${password}"`)
  const plainLogin = `org.apache.kafka.common.security.plain.PlainLoginModule required ${logins.join(' ')};`
  const scramLogin = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  return `
process.roles=broker,controller
node.id=${id}
controller.quorum.voters=${nodes.map((each) => `${each.id}@127.0.0.1:${each.controller}`).join()}
listeners=${listeners.join()},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=${listeners.join()}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs=${join(dir, 'logs')}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=${copies}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=10485760
num.network.threads=1
num.io.threads=2
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1500
replica.lag.time.max.ms=3000
controlled.shutdown.enable=false
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
${['sasl_plaintext', 'sasl_ssl']
  .flatMap((listener) => [
    `listener.name.${listener}.plain.sasl.jaas.config=${plainLogin}`,
    `listener.name.${listener}.scram-sha-256.sasl.jaas.config=${scramLogin}`,
    `listener.name.${listener}.scram-sha-512.sasl.jaas.config=${scramLogin}`,
  ])
  .join('\n')}
${certificate ? await tlsOf(certificate, dir) : ''}
${conf}
`
}

/** Kafka wants key and certificate in one file. */
async function tlsOf({ keyFile, certFile }: Certificate, dir: string): Promise<string> {
  const store = join(dir, 'keystore.pem')
  const [key, certificate] = await Promise.all([readFile(keyFile, 'utf8'), readFile(certFile, 'utf8')])
  await writeFile(store, `${key}\n${certificate}`)
  return `ssl.keystore.type=PEM\nssl.keystore.location=${store}`
}
