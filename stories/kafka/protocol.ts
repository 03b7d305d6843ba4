import type { API } from '@platformatic/kafka'

/** The client library; it is big, so it is read only when a Kafka is asked. */
export type Library = typeof import('./library.ts')

export const library = (): Promise<Library> => import('./library.ts')

/** A question in the versions of the protocol that this program speaks, the newest first. */
export type Question<Given extends unknown[], Answer> = readonly API<Given, Answer>[]

/** The questions that the steps ask. What is older than Kafka 2.1 does not know them. */
export const questionsOf = (kafka: Library) =>
  ({
    metadata: [
      ...[kafka.metadataV12.api, kafka.metadataV11.api, kafka.metadataV10.api, kafka.metadataV9.api],
      ...[kafka.metadataV8.api, kafka.metadataV7.api, kafka.metadataV6.api, kafka.metadataV5.api],
    ],
    quorum: [kafka.describeQuorumV2.api, kafka.describeQuorumV1.api, kafka.describeQuorumV0.api],
    configs: [
      ...[kafka.describeConfigsV4.api, kafka.describeConfigsV3.api],
      ...[kafka.describeConfigsV2.api, kafka.describeConfigsV1.api],
    ],
    reassignments: [kafka.listPartitionReassignmentsV0.api],
    /** These tell the state of a group. */
    groups: [kafka.listGroupsV5.api, kafka.listGroupsV4.api],
    describeGroups: [kafka.describeGroupsV5.api, kafka.describeGroupsV4.api, kafka.describeGroupsV3.api],
    committed: [kafka.offsetFetchV9.api, kafka.offsetFetchV8.api],
    /** Before 3.0 the answer is about one group. */
    committedOfOne: [kafka.offsetFetchV7.api, kafka.offsetFetchV6.api, kafka.offsetFetchV5.api],
    positions: [
      ...[kafka.listOffsetsV9.api, kafka.listOffsetsV8.api, kafka.listOffsetsV7.api],
      ...[kafka.listOffsetsV6.api, kafka.listOffsetsV5.api, kafka.listOffsetsV4.api],
    ],
    /** From this version on they tell the newest timestamp. */
    timestamps: [kafka.listOffsetsV9.api, kafka.listOffsetsV8.api, kafka.listOffsetsV7.api],
    elect: [electLeaders(kafka)],
  }) as const

export type Questions = ReturnType<typeof questionsOf>

/** The codes that Kafka gives its errors. */
export const codes = {
  unknownTopic: 3,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  topicNotPermitted: 29,
  groupNotPermitted: 30,
  clusterNotPermitted: 31,
  noSaslHere: 34,
  mechanismUnknown: 33,
  loginRefused: 58,
  electionNotNeeded: 84,
} as const

interface Election {
  readonly errorCode: number
  readonly partitions: readonly { readonly errorCode: number }[]
}

/** ElectLeaders, which the library does not know: makes the preferred replicas leaders, of all partitions. */
function electLeaders(kafka: Library): API<[], Election> {
  const [preferred, version] = [0, 2]
  return kafka.createAPI(
    43,
    version,
    () =>
      kafka.Writer.create()
        .appendInt8(preferred)
        .appendArray<never>(null, () => {})
        .appendInt32(10_000)
        .appendTaggedFields(),
    (_correlation, _key, _version, reader) => {
      reader.readInt32() // throttle
      const errorCode = reader.readInt16()
      const topics = reader.readArray((topic) => {
        topic.readString()
        return topic.readArray((partition) => {
          partition.readInt32()
          const code = partition.readInt16()
          partition.readNullableString()
          return { errorCode: code }
        })
      })
      return { errorCode, partitions: topics.flat() }
    },
  )
}
