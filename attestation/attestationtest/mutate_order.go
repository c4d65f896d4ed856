package attestationtest

import (
	"slices"

	"github.com/nitroattest/nitroattest/attestation"
)

// bundleOrder changes which certificates the bundle lists, and leaves them alone.
func bundleOrder(name, comment string, f func(*Blueprint, []*Certificate) []*Certificate) Mutation {
	return Mutation{
		Name: "bundle-" + name, Topic: TopicBundleOrder, Reason: attestation.InvalidChain, Comment: comment,
		Apply: func(b *Blueprint) { b.Bundle = f(b, slices.Clone(b.Bundle)) },
	}
}

func swapped(i, j Level) func(*Blueprint, []*Certificate) []*Certificate {
	return func(_ *Blueprint, bundle []*Certificate) []*Certificate {
		bundle[i], bundle[j] = bundle[j], bundle[i]
		return bundle
	}
}

func orderMutations() []Mutation {
	lacking := at(authorities, func(level Level) Mutation {
		return bundleOrder("lacks", "the "+level.String()+" certificate is missing", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return slices.Delete(bundle, int(level), int(level)+1)
		})
	})
	repeating := at([]Level{LevelRoot, LevelRegional, LevelZonal, LevelInstance}, func(level Level) Mutation {
		return bundleOrder("repeats", "the "+level.String()+" certificate follows itself", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return slices.Insert(bundle, int(level), bundle[level])
		})
	})
	return slices.Concat(lacking, repeating, []Mutation{
		bundleOrder("regional-zonal-swapped", "the zonal certificate stands before the regional one", swapped(LevelRegional, LevelZonal)),
		bundleOrder("zonal-instance-swapped", "the instance certificate stands before the zonal one", swapped(LevelZonal, LevelInstance)),
		bundleOrder("reversed-below-root", "the root comes first and the others in reverse", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			slices.Reverse(bundle[1:])
			return bundle
		}),
		bundleOrder("root-only", "the bundle is the root alone", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return bundle[:1]
		}),
		bundleOrder("leaf-at-end", "the bundle ends with the leaf too", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			return append(bundle, b.Certificate)
		}),
		bundleOrder("root-at-end", "the bundle ends with the root too", func(_ *Blueprint, bundle []*Certificate) []*Certificate {
			return append(bundle, bundle[0])
		}),
		bundleOrder("unused-at-end", "a good instance certificate that the chain does not need ends the bundle", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			return append(bundle, b.sibling(LevelInstance))
		}),
		bundleOrder("unused-in-between", "a second good zonal certificate follows the one that is needed", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			return slices.Insert(bundle, int(LevelInstance), b.sibling(LevelZonal))
		}),
		bundleOrder("foreign-at-end", "a self-signed certificate that has nothing to do with the chain ends the bundle", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			foreign := b.sibling(LevelRoot)
			foreign.Subject = rootName("example.com")
			return append(bundle, foreign)
		}),
		bundleOrder("other-zone", "the zonal certificate is that of another zone, of the same region", func(b *Blueprint, bundle []*Certificate) []*Certificate {
			bundle[LevelZonal] = b.sibling(LevelZonal)
			return bundle
		}),
	})
}

// sibling is a certificate like that of a level, from the same issuer, with a
// name and a key of its own.
func (b *Blueprint) sibling(level Level) *Certificate {
	c := b.Chain[level].clone()
	c.Key = b.NewKey("sibling")
	c.Serial = positive(b.random("sibling", 16))
	switch level {
	case LevelZonal:
		c.Subject = zonalName("0123456789abcdef.zonal." + b.region + ".aws.nitro-enclaves")
	case LevelInstance:
		c.Subject = instanceName("i-0123456789abcdef0." + b.region + ".aws.nitro-enclaves")
	}
	return c
}
