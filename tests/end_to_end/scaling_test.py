"""The formulas of bench/scaling.py, compared with values computed by hand."""

import sys
import unittest

from charrnn_cli import ROOT

sys.path.insert(0, str(ROOT / "bench"))
import scaling
from scaling import Bucket, Link, Machine, Model, Way


class SumsTest(unittest.TestCase):
    def test_a_ring(self):
        # 4 ranks: 6 messages of 3,000 bytes, 3 s at 1,000 bytes/s and 0.5 s before each.
        self.assertAlmostEqual(scaling.ring(12000, 4, Link(0.5, 1000)), 6 * 3.5)
        self.assertEqual(scaling.ring(12000, 1, Link(0.5, 1000)), 0)
        self.assertEqual(scaling.ring(12000, 1, None), 0)

    def test_a_ring_of_many_sends_all_bytes_twice(self):
        self.assertAlmostEqual(scaling.ring(1e6, 10000, Link(0, 1e6)), 2, delta=1e-3)

    def test_rings_of_two_levels(self):
        inside, between = Link(0.25, 2000), Link(0.5, 1000)
        # Inside, 2 ranks: 2 messages of 6,000 bytes, 3.25 s each. Between 3 nodes: 4 messages of 12,000 / 2 / 3 = 2,000
        # bytes; two rings share the link, 500 bytes/s each: 4.5 s per message.
        self.assertAlmostEqual(scaling.hierarchical(12000, 3, 2, inside, between), 2 * 3.25 + 4 * 4.5)

    def test_one_level_alone(self):
        link = Link(0.5, 1000)
        self.assertAlmostEqual(scaling.hierarchical(12000, 1, 4, link, None), scaling.ring(12000, 4, link))
        self.assertAlmostEqual(scaling.hierarchical(12000, 4, 1, None, link), scaling.ring(12000, 4, link))

    def test_the_link_that_two_sums_show(self):
        link = Link(0.5, 1000)
        sums = [(size, scaling.ring(size, 4, link)) for size in (100, 9000)]
        found = scaling.fit(*sums, ranks=4)
        self.assertAlmostEqual(found.latency, 0.5)
        self.assertAlmostEqual(found.bandwidth, 1000)


class OverlapTest(unittest.TestCase):
    # Backward takes 10 s and completes the first bucket after 2 s, the second at its end; a sum takes bytes / 100 s.
    def exposed(self, first, second):
        return scaling.exposed([Bucket(first, 0.2), Bucket(second, 0.8)], 10, lambda size: size / 100)

    def test_the_last_bucket_is_always_exposed(self):
        self.assertAlmostEqual(self.exposed(500, 300), 3)  # the first sum is done at 7 s

    def test_sums_wait_for_one_another(self):
        self.assertAlmostEqual(self.exposed(1100, 300), 6)  # from 2 s to 13 s, then to 16 s

    def test_one_bucket_hides_nothing(self):
        self.assertAlmostEqual(scaling.exposed([Bucket(700, 1)], 10, lambda size: size / 100), 7)


class ModelTest(unittest.TestCase):
    # V 11, E 5, H 7, L 2: all sizes differ.
    MODEL = Model(vocabulary=11, embedding=5, hidden=7, layers=2)

    def test_parameters_as_pytorch_counts_them(self):
        # embedding 11 * 5; layers 28 * 5 + 28 * 7 + 56 and 28 * 7 + 28 * 7 + 56; head 11 * 7 + 11
        self.assertEqual(scaling.parameters(self.MODEL), 55 + 392 + 448 + 88)

    def test_products(self):
        # head 7 * 11; upper layer 28 * (7 + 7); lowest 28 * 7, as its input is a table
        self.assertEqual(scaling.products(self.MODEL), [77, 392, 196])
        self.assertEqual(scaling.flop(self.MODEL), 6 * 665)

    def test_buckets_in_the_order_of_backward(self):
        found = scaling.buckets(self.MODEL, 4)
        self.assertEqual([bucket.bytes for bucket in found], [4 * 88, 4 * 448, 4 * (392 + 55)])
        self.assertAlmostEqual(sum(bucket.share for bucket in found), 1)
        self.assertAlmostEqual(found[0].share, 77 / 665)

    def test_a_step(self):
        machine = Machine("", nodes=2, ranks=1, flop=6 * 665 * 128, memory=28 * 983 / 2, inside=None, between=Link(0, 983))
        way = Way("", lanes=3, bytes_each=4, buckets=False)
        found = scaling.step(self.MODEL, machine, way)
        # 3 lanes at one per second; 983 parameters: 2 s of memory traffic; 2 messages of 1,966 bytes at 983 bytes/s.
        for value, expected in zip(found, (3, 4, 4, 2, 9)):
            self.assertAlmostEqual(value, expected)
        # Backward is 2 of the 3 s. The head (352 bytes) is ready after 2 * 77 / 665 = 0.2316 s and takes 0.3581 s; the
        # upper layer (1,792) after 1.4105 s, to 3.2335 s; the lowest (1,788) then takes 1.8189 s, to 5.0524 s.
        hidden = scaling.step(self.MODEL, machine, way._replace(buckets=True))
        self.assertAlmostEqual(hidden.sums, 4)
        self.assertAlmostEqual(hidden.exposed, 3.0524, places=3)


if __name__ == "__main__":
    unittest.main()
