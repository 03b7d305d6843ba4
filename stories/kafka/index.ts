import { defineStory, say } from 'healthz'
import { brokers } from './brokers.ts'
import { connect } from './connect.ts'
import { controller } from './controller.ts'
import { fresh } from './fresh.ts'
import { group } from './group.ts'
import { lag } from './lag.ts'
import { leaderSkew } from './leader-skew.ts'
import { lostData } from './lost-data.ts'
import { offline } from './offline.ts'
import { options } from './options.ts'
import { openCluster } from './target.ts'
import { underMinIsr } from './under-min-isr.ts'
import { underReplicated } from './under-replicated.ts'
import { zookeeper } from './zookeeper.ts'

/** A Kafka, asked by its own protocol: its brokers hold what was written, and its consumers read it. */
export default defineStory({
  title: say`Kafka`,
  scope: 'cluster',
  options,
  open: openCluster,
  steps: {
    connect,
    brokers,
    offline,
    'under-replicated': underReplicated,
    'under-min-isr': underMinIsr,
    lag,
    'lost-data': lostData,
    group,
    fresh,
    controller,
    'leader-skew': leaderSkew,
    zookeeper,
  },
  guide: {
    example: `- story: kafka
  name: events
  with:
    brokers: [kafka1:9092, kafka2:9092, kafka3:9092]
    user: healthz
    password: \${file:/run/secrets/kafka}
    expectBrokers: 3
    groups: [billing, { name: search, topics: [orders], lagMax: 50000 }]
    fresh: [orders]
`,
    rights: `kafka-acls --bootstrap-server kafka1:9092 --add --allow-principal User:healthz --operation Describe --operation DescribeConfigs --topic '*'
kafka-acls --bootstrap-server kafka1:9092 --add --allow-principal User:healthz --operation Describe --group '*'
kafka-acls --bootstrap-server kafka1:9092 --add --allow-principal User:healthz --operation Describe --cluster
# for the cure of leader-skew:
kafka-acls --bootstrap-server kafka1:9092 --add --allow-principal User:healthz --operation Alter --cluster
`,
  },
})
