// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {BN254, G1Point} from "./BN254.sol";
import {Contributor, ServiceNode} from "./ServiceNodeTypes.sol";

/// The members in the order of registration, found by id or by either key, and the sum of their BLS keys.
abstract contract ServiceNodeList {
    /// The id that no service node has: it links the list's two ends.
    uint64 public constant LIST_SENTINEL = 0;
    /// Without signatures of up to one member in this many, the others can act.
    uint256 private constant NON_SIGNER_DIVISOR = 3;

    /// Ids start at 1 and are never used again.
    uint64 public nextServiceNodeID;
    uint256 public totalNodes;
    /// How many members' signatures may be missing.
    uint256 public blsNonSignerThreshold;
    uint256 public blsNonSignerThresholdMax;

    G1Point internal _aggregatePubkey;
    mapping(uint64 => ServiceNode) private _nodes;
    /// By X | Y, 64 bytes.
    mapping(bytes blsPubkey => uint64 serviceNodeID) public serviceNodeIDs;
    mapping(uint256 ed25519Pubkey => uint64 serviceNodeID) public ed25519ToServiceNodeID;
    /// Room for later versions of the list: what derives from it lies behind it in the proxy's storage and must not move.
    uint256[40] private __gap;

    error BLSPubkeyAlreadyExists(uint64 serviceNodeID);
    error BLSPubkeyDoesNotExist(G1Point pubkey);
    error DeleteSentinelNodeNotAllowed();
    error Ed25519PubkeyAlreadyExists(uint64 serviceNodeID);
    error NullBLSPubkey();
    error NullEd25519Pubkey();
    error ServiceNodeDoesntExist(uint64 serviceNodeID);

    /// All zero for an id that no member has.
    function serviceNodes(uint64 serviceNodeID) external view returns (ServiceNode memory) {
        return _nodes[serviceNodeID];
    }

    function aggregatePubkey() external view returns (G1Point memory) {
        return _aggregatePubkey;
    }

    /// Every member's id and BLS key in the order of registration.
    function allServiceNodeIDs() external view returns (uint64[] memory ids, G1Point[] memory pubkeys) {
        ids = new uint64[](totalNodes);
        pubkeys = new G1Point[](totalNodes);
        uint64 id = _nodes[LIST_SENTINEL].next;
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = id;
            pubkeys[i] = _nodes[id].blsPubkey;
            id = _nodes[id].next;
        }
    }

    /// Computes the counters and the aggregate key from the list itself. Changes nothing while they are consistent.
    function rederiveTotalNodesAndAggregatePubkey() external {
        uint256 count = 0;
        G1Point memory sum = G1Point(0, 0);
        for (uint64 id = _nodes[LIST_SENTINEL].next; id != LIST_SENTINEL; id = _nodes[id].next) {
            sum = BN254.add(sum, _nodes[id].blsPubkey);
            count++;
        }
        _setAggregate(count, sum);
    }

    function _initializeList(uint256 nonSignerThresholdMax) internal {
        nextServiceNodeID = LIST_SENTINEL + 1;
        blsNonSignerThresholdMax = nonSignerThresholdMax;
    }

    function _setNonSignerThresholdMax(uint256 newMax) internal {
        blsNonSignerThresholdMax = newMax;
        _setNonSignerThreshold(totalNodes);
    }

    function _idOf(G1Point memory blsPubkey) internal view returns (uint64 id) {
        id = serviceNodeIDs[_bytesOf(blsPubkey)];
        if (id == LIST_SENTINEL) revert BLSPubkeyDoesNotExist(blsPubkey);
    }

    function _existing(uint64 id) internal view returns (ServiceNode storage node) {
        node = _nodes[id];
        if (node.ed25519Pubkey == 0) revert ServiceNodeDoesntExist(id);
    }

    /// Adds a member at the end. The contributors are the caller's to check; the first is the operator.
    function _append(
        G1Point memory blsPubkey,
        uint256 ed25519Pubkey,
        uint256 addedTimestamp,
        Contributor[] memory contributors
    ) internal returns (uint64 id) {
        id = nextServiceNodeID++;
        _claimKeys(id, blsPubkey, ed25519Pubkey);

        ServiceNode storage node = _nodes[id];
        node.operator = contributors[0].staker.addr;
        node.blsPubkey = blsPubkey;
        node.addedTimestamp = addedTimestamp;
        node.ed25519Pubkey = ed25519Pubkey;
        uint256 deposit = 0;
        for (uint256 i = 0; i < contributors.length; i++) {
            deposit += contributors[i].stakedAmount;
            node.contributors.push(contributors[i]);
        }
        node.deposit = deposit;

        uint64 last = _nodes[LIST_SENTINEL].prev;
        node.prev = last;
        node.next = LIST_SENTINEL;
        _nodes[last].next = id;
        _nodes[LIST_SENTINEL].prev = id;
        _setAggregate(totalNodes + 1, BN254.add(_aggregatePubkey, blsPubkey));
    }

    /// Forgets a member and returns its deposit.
    function _remove(uint64 id) internal returns (uint256 deposit) {
        if (id == LIST_SENTINEL) revert DeleteSentinelNodeNotAllowed();
        ServiceNode storage node = _existing(id);
        G1Point memory blsPubkey = node.blsPubkey;
        deposit = node.deposit;
        _nodes[node.prev].next = node.next;
        _nodes[node.next].prev = node.prev;
        delete serviceNodeIDs[_bytesOf(blsPubkey)];
        delete ed25519ToServiceNodeID[node.ed25519Pubkey];
        delete _nodes[id];
        _setAggregate(totalNodes - 1, BN254.add(_aggregatePubkey, BN254.negate(blsPubkey)));
    }

    function _claimKeys(uint64 id, G1Point memory blsPubkey, uint256 ed25519Pubkey) private {
        if (BN254.isInfinity(blsPubkey)) revert NullBLSPubkey();
        if (ed25519Pubkey == 0) revert NullEd25519Pubkey();
        bytes memory key = _bytesOf(blsPubkey);
        if (serviceNodeIDs[key] != 0) revert BLSPubkeyAlreadyExists(serviceNodeIDs[key]);
        if (ed25519ToServiceNodeID[ed25519Pubkey] != 0) {
            revert Ed25519PubkeyAlreadyExists(ed25519ToServiceNodeID[ed25519Pubkey]);
        }
        serviceNodeIDs[key] = id;
        ed25519ToServiceNodeID[ed25519Pubkey] = id;
    }

    function _setAggregate(uint256 count, G1Point memory sum) private {
        totalNodes = count;
        _aggregatePubkey = sum;
        _setNonSignerThreshold(count);
    }

    function _setNonSignerThreshold(uint256 count) private {
        uint256 third = count / NON_SIGNER_DIVISOR;
        blsNonSignerThreshold = third < blsNonSignerThresholdMax ? third : blsNonSignerThresholdMax;
    }

    function _bytesOf(G1Point memory blsPubkey) private pure returns (bytes memory) {
        return abi.encodePacked(blsPubkey.X, blsPubkey.Y);
    }
}
