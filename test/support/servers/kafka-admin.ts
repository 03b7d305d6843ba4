import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  alterPartitionReassignmentsV0,
  alterUserScramCredentialsV0,
  Connection,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  incrementalAlterConfigsV1,
  joinGroupV3,
  metadataV12,
  Producer,
  ResourcePatternTypes,
  ResourceTypes,
  ScramMechanisms,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import { until } from './until.ts'

/** What tests do to a Kafka, through the plain ports of its brokers. */
export async function kafkaAdmin(ports: readonly number[]): Promise<KafkaAdmin> {
  const settings = {
    clientId: 'healthz-test',
    bootstrapBrokers: ports.map((port) => `127.0.0.1:${port}`),
    retries: 20,
    retryDelay: 100,
    timeout: 10_000,
    connectTimeout: 1000,
  }
  await using stack = new AsyncDisposableStack()
  const admin = stack.adopt(new Admin(settings), (client) => client.close())
  await admin.metadata({ topics: [], retries: 0 })
  const producer = stack.adopt(
    new Producer({ ...settings, serializers: stringSerializers, autocreateTopics: false }),
    (client) => client.close(true),
  )
  const owned = stack.move()
  return {
    brokers: async () => [
      ...(await admin.metadata({ topics: [], forceUpdate: true, retries: 0 })).brokers.keys(),
    ],
    async createTopic(topic, { partitions = 1, assignments, configs = {} } = {}) {
      await admin.createTopics({
        topics: [topic],
        ...(assignments
          ? { assignments: assignments.map((brokers, partition) => ({ partition, brokers: [...brokers] })) }
          : { partitions, replicas: 1 }),
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      })
      await until(`every broker knows ${topic}`, () => isKnown(admin, topic))
    },
    async configure(topic, configs) {
      await using broker = await toOneOf(ports)
      await incrementalAlterConfigsV1.api.async(
        broker,
        [
          {
            resourceType: ResourceTypes.TOPIC,
            resourceName: topic,
            configs: Object.entries(configs).map(([name, value]) => ({
              name,
              configOperation: IncrementalAlterConfigOperationTypes.SET,
              value,
            })),
          },
        ],
        false,
      )
    },
    async produce(topic, times, { partition = 0, at } = {}) {
      const timestamp = at === undefined ? {} : { timestamp: BigInt(at) }
      await producer.send({
        messages: Array.from({ length: times }, () => ({ topic, partition, value: 'x', ...timestamp })),
      })
    },
    async commit(groupId, topic, offset, partition = 0) {
      const partitionOffsets = [{ partition, offset: BigInt(offset) }]
      await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets }] })
    },
    async deleteRecords(topic, before, partition = 0) {
      await admin.deleteRecords({
        topics: [{ name: topic, partitions: [{ partition, offset: BigInt(before) }] }],
      })
    },
    async join(groupId, topic) {
      const consumer = new Consumer({
        ...settings,
        groupId,
        autocommit: false,
        sessionTimeout: 6000,
        heartbeatInterval: 500,
        deserializers: stringDeserializers,
      })
      const stream = await consumer.consume({ topics: [topic], mode: 'committed', autocommit: false })
      stream.on('error', () => {})
      stream.on('data', () => {})
      return {
        commit: async (offset, partition = 0) => {
          await consumer.commit({
            offsets: [{ topic, partition, offset: BigInt(offset), leaderEpoch: -1 }],
          })
        },
        [Symbol.asyncDispose]: async () => {
          await stream.close()
          await consumer.close(true)
        },
      }
    },
    async shake(groupId) {
      await using broker = await toOneOf(ports)
      const joining = () => {
        const connection = new Connection('healthz-test')
        return {
          connection,
          ask: () =>
            joinGroupV3.api.async(connection, groupId, 30_000, 30_000, '', null, 'consumer', [
              { name: 'range' },
            ]),
        }
      }
      const [first, second] = [joining(), joining()]
      for (const { connection } of [first, second])
        await connection.connect(broker.host ?? '', broker.port ?? 0)
      await first.ask()
      // The group waits for the first one to come again, so this is not answered.
      second.ask().catch(() => {})
      return {
        [Symbol.asyncDispose]: async () => {
          await Promise.all([first, second].map(({ connection }) => connection.close()))
        },
      }
    },
    async move(topic, to, partition = 0) {
      await using broker = await toOneOf(ports)
      const partitions = [{ partitionIndex: partition, replicas: [...to] }]
      await alterPartitionReassignmentsV0.api.async(broker, 5000, true, [{ name: topic, partitions }])
    },
    async allow(user, operation, kind, name = kind === 'CLUSTER' ? 'kafka-cluster' : '*') {
      await admin.createAcls({ creations: [aclOf(user, operation, kind, name)] })
    },
    async forbid(user, operation, kind, name = kind === 'CLUSTER' ? 'kafka-cluster' : '*') {
      await admin.deleteAcls({ filters: [aclOf(user, operation, kind, name)] })
    },
    async scramUser(name, password) {
      await using broker = await toOneOf(ports)
      const salt = randomBytes(16)
      const saltedPassword = pbkdf2Sync(password, salt, 4096, 32, 'sha256')
      const mechanism = ScramMechanisms.SCRAM_SHA_256
      await alterUserScramCredentialsV0.api.async(
        broker,
        [],
        [{ name, mechanism, iterations: 4096, salt, saltedPassword }],
      )
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface KafkaAdmin extends AsyncDisposable {
  /** The ids of the brokers that run, as one of them knows it. */
  brokers(): Promise<readonly number[]>
  createTopic(
    topic: string,
    options?: {
      readonly partitions?: number
      /** The brokers of each partition, the preferred leader first. */
      readonly assignments?: readonly (readonly number[])[]
      readonly configs?: Readonly<Record<string, string>>
    },
  ): Promise<void>
  configure(topic: string, configs: Readonly<Record<string, string>>): Promise<void>
  produce(
    topic: string,
    times: number,
    options?: { readonly partition?: number; readonly at?: number },
  ): Promise<void>
  /** Commits for a group that has no member. */
  commit(group: string, topic: string, offset: number, partition?: number): Promise<void>
  /** Deletes what lies before the offset, as retention does. */
  deleteRecords(topic: string, before: number, partition?: number): Promise<void>
  /** A consumer that takes all there is, and commits what it is told to. */
  join(group: string, topic: string): Promise<GroupMember>
  /** Has a member join who never comes to the rebalance that the next one begins, until this is disposed. */
  shake(group: string): Promise<AsyncDisposable>
  /** Begins to move a partition to these brokers. */
  move(topic: string, to: readonly number[], partition?: number): Promise<void>
  allow(user: string, operation: Operation, kind: Kind, name?: string): Promise<void>
  forbid(user: string, operation: Operation, kind: Kind, name?: string): Promise<void>
  /** Makes a user that can log in by SCRAM-SHA-256. */
  scramUser(name: string, password: string): Promise<void>
}

export interface GroupMember extends AsyncDisposable {
  commit(offset: number, partition?: number): Promise<void>
}

/** A connection to the first broker that answers: some may be down, or hang. */
async function toOneOf(ports: readonly number[]): Promise<Connection & AsyncDisposable> {
  for (const port of ports) {
    const connection = new Connection('healthz-test', { connectTimeout: 1000, requestTimeout: 8000 })
    connection.on('error', () => {})
    try {
      await connection.connect('127.0.0.1', port)
      const answer = metadataV12.api.async(connection, [], false)
      await Promise.race([answer, rejectAfter(1000)])
      return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() })
    } catch {
      await connection.close()
    }
  }
  throw new Error('no broker answers')
}

async function rejectAfter(ms: number): Promise<never> {
  await delay(ms)
  throw new Error(`nothing within ${ms} ms`)
}

/** Whether every broker has heard of the topic, and that its partitions have leaders. */
async function isKnown(admin: Admin, topic: string): Promise<boolean> {
  const brokers = [...(await admin.connectToBrokers()).values()]
  // An answer with an error in it is a throw.
  const answers = await Promise.all(brokers.map((broker) => metadataV12.api.async(broker, [topic], false)))
  return answers.every(({ topics }) => topics[0]?.partitions.every(({ leaderId }) => leaderId >= 0))
}

type Operation = 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'ALTER'
type Kind = 'TOPIC' | 'GROUP' | 'CLUSTER'

const aclOf = (user: string, operation: Operation, kind: Kind, name: string) => ({
  resourceType: ResourceTypes[kind],
  resourceName: name,
  resourcePatternType: ResourcePatternTypes.LITERAL,
  principal: `User:${user}`,
  host: '*',
  operation: AclOperations[operation],
  permissionType: AclPermissionTypes.ALLOW,
})
