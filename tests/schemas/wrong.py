"""What each schema refuses, beside something that it takes: one thing is wrong in each."""

from dataclasses import dataclass

_CANDIDATE = (
    "component='1' foundation='1' generation='0' id='a1' ip='192.0.2.1' port='9' "
    "priority='2130706431' protocol='udp' type='host'"
)


@dataclass(frozen=True, slots=True)
class Case:
    """Elements without their namespace, which the test adds."""

    right: tuple[str, ...]
    wrong: tuple[str, ...]


CASES: dict[str, Case] = {
    "urn:xmpp:jingle:1": Case(
        (
            "<jingle action='session-info' sid='s1'/>",
            "<jingle action='session-initiate' sid='s1' initiator='a@b/c'>"
            "<content creator='initiator' name='0' senders='none' disposition='session'/>"
            "<content creator='responder' name='0'/></jingle>",
            "<reason><alternative-session><sid>s2</sid></alternative-session></reason>",
            "<reason><busy/><text>later</text></reason>",
        ),
        (
            "<jingle sid='s1'/>",
            "<jingle action='session-info'/>",
            "<jingle action='session-begin' sid='s1'/>",
            "<jingle action='session-info' sid='two words'/>",
            "<jingle action='session-info' sid=''/>",
            "<jingle action='session-info' sid='s1' initiator=''/>",
            "<jingle action='session-info' sid='s1' peer='a@b'/>",
            "<jingle action='session-info' sid='s1'>text</jingle>",
            "<jingle action='content-add' sid='s1'><content name='0'/></jingle>",
            "<jingle action='content-add' sid='s1'><content creator='initiator'/></jingle>",
            "<jingle action='content-add' sid='s1'><content creator='me' name='0'/></jingle>",
            "<jingle action='content-add' sid='s1'><content creator='initiator' name=''/></jingle>",
            "<jingle action='content-add' sid='s1'>"
            "<content creator='initiator' name='0' senders='sendrecv'/></jingle>",
            "<jingle action='content-add' sid='s1'><content creator='initiator' name='0'/>"
            "<content creator='initiator' name='0'/></jingle>",
            "<jingle action='session-terminate' sid='s1'><reason/></jingle>",
            "<jingle action='session-terminate' sid='s1'><reason><success/></reason>"
            "<reason><success/></reason></jingle>",
            "<jingle action='session-terminate' sid='s1'><reason><success/></reason>"
            "<content creator='initiator' name='0'/></jingle>",
            "<reason><bored/></reason>",
            "<reason><busy/><gone/></reason>",
            "<reason><text>first</text><busy/></reason>",
            "<reason><busy>now</busy></reason>",
        ),
    ),
    "urn:xmpp:jingle:errors:1": Case(
        ("<out-of-order/>", "<tie-break/>", "<unknown-session/>", "<unsupported-info/>"),
        (
            "<unknown-sid/>",
            "<tie-break>text</tie-break>",
            "<tie-break by='me'/>",
            "<out-of-order><tie-break/></out-of-order>",
            "<Out-Of-Order/>",
        ),
    ),
    "urn:xmpp:jingle:apps:rtp:1": Case(
        (
            "<description media='audio' ssrc='1'><payload-type id='0'/><rtcp-mux/>"
            "<payload-type id='111' name='opus' clockrate='48000' channels='2' ptime='20' "
            "maxptime='60'><parameter name='minptime' value='10'/><parameter name='' value='0-15'/>"
            "</payload-type><bandwidth type='AS'>512</bandwidth>"
            "<bandwidth type='TIAS'>64000</bandwidth><encryption required='1'>"
            "<crypto crypto-suite='AES_CM_128_HMAC_SHA1_80' "
            "key-params='inline:WVNf|2^20' tag='1'/></encryption></description>",
        ),
        (
            "<description/>",
            "<description media='audio/video'/>",
            "<description media='audio' ssrc='-1'/>",
            "<description media='audio'><payload-type name='opus'/></description>",
            "<description media='audio'><payload-type id='128'/></description>",
            "<description media='audio'><payload-type id='0'/><payload-type id='0'/></description>",
            "<description media='audio'><payload-type id='0' channels='256'/></description>",
            "<description media='audio'><payload-type id='0' clockrate='48 kHz'/></description>",
            "<description media='audio'><payload-type id='0' name='op us'/></description>",
            "<description media='audio'><payload-type id='0' rate='1'/></description>",
            "<description media='audio'><payload-type id='0'><parameter name='a'/>"
            "</payload-type></description>",
            "<description media='audio'><payload-type id='0'><parameter value='a'/>"
            "</payload-type></description>",
            "<description media='audio'><payload-type id='0'><rtcp-mux/></payload-type>"
            "</description>",
            "<description media='audio'><rtcp-mux/><rtcp-mux/></description>",
            "<description media='audio'><rtcp-mux>yes</rtcp-mux></description>",
            "<description media='audio'><rtcp-rsize/></description>",
            "<description media='audio'><bandwidth>512</bandwidth></description>",
            "<description media='audio'><bandwidth type='AS' value='512'/></description>",
            "<description media='audio'><bandwidth type='AS'>much</bandwidth></description>",
            "<description media='audio'><encryption><crypto tag='1'/></encryption></description>",
        ),
    ),
    "urn:xmpp:jingle:apps:rtp:info:1": Case(
        ("<active/>", "<hold/>", "<ringing/>", "<unhold/>", "<mute creator='initiator' name='0'/>"),
        (
            "<busy/>",
            "<ringing>loud</ringing>",
            "<hold name='0'/>",
            "<mute name='0'/>",
            "<mute creator='me' name='0'/>",
            "<unmute creator='responder' content='0'/>",
            "<unmute creator='responder'>0</unmute>",
        ),
    ),
    "urn:xmpp:jingle:apps:rtp:rtcp-fb:0": Case(
        (
            "<rtcp-fb type='nack'/>",
            "<rtcp-fb type='ccm' subtype='tmmbr'><parameter name='smaxpr' value='120'/></rtcp-fb>",
            "<rtcp-fb-trr-int value='0'/>",
        ),
        (
            "<rtcp-fb/>",
            "<rtcp-fb type=''/>",
            "<rtcp-fb type='nack pli'/>",
            "<rtcp-fb type='nack' subtype=''/>",
            "<rtcp-fb type='nack' id='96'/>",
            "<rtcp-fb type='ccm'><parameter value='120'/></rtcp-fb>",
            "<rtcp-fb type='ccm'>fir</rtcp-fb>",
            "<rtcp-fb-trr-int/>",
            "<rtcp-fb-trr-int value='-1'/>",
            "<rtcp-fb-trr-int value='soon'/>",
        ),
    ),
    "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0": Case(
        (
            "<rtp-hdrext id='1' uri='urn:ietf:params:rtp-hdrext:toffset'/>",
            "<rtp-hdrext id='4351' uri='urn:x' senders='initiator'><parameter name='vad' "
            "value='on'/><parameter name='word'/></rtp-hdrext>",
            "<extmap-allow-mixed/>",
        ),
        (
            "<rtp-hdrext uri='urn:x'/>",
            "<rtp-hdrext id='1'/>",
            "<rtp-hdrext id='0' uri='urn:x'/>",
            "<rtp-hdrext id='257' uri='urn:x'/>",
            "<rtp-hdrext id='4907' uri='urn:x'/>",
            "<rtp-hdrext id='1' uri=''/>",
            "<rtp-hdrext id='1' uri='urn:x' senders='none'/>",
            "<rtp-hdrext id='1' uri='urn:x' senders='sendonly'/>",
            "<rtp-hdrext id='1' uri='urn:x'><parameter value='on'/></rtp-hdrext>",
            "<extmap-allow-mixed>yes</extmap-allow-mixed>",
        ),
    ),
    "urn:xmpp:jingle:apps:rtp:ssma:0": Case(
        (
            "<source ssrc='4294967295'><parameter name='cname' value='a b'/>"
            "<parameter name='word'/></source>",
            "<ssrc-group semantics='FEC-FR'><source ssrc='1'/><source ssrc='2'/></ssrc-group>",
        ),
        (
            "<source/>",
            "<source ssrc='4294967296'/>",
            "<source ssrc='-1'/>",
            "<source ssrc='1' id='x'/>",
            "<source ssrc='1'><parameter value='x'/></source>",
            "<source ssrc='1'>cname</source>",
            "<ssrc-group><source ssrc='1'/></ssrc-group>",
            "<ssrc-group semantics=''/>",
            "<ssrc-group semantics='FID'><source/></ssrc-group>",
            "<ssrc-group semantics='FID'><source ssrc='1'><parameter name='a'/></source>"
            "</ssrc-group>",
        ),
    ),
    "urn:xmpp:jingle:apps:grouping:0": Case(
        (
            "<group semantics='BUNDLE'><content name='0'/><content name='a b'/></group>",
            "<group semantics='LS'/>",
        ),
        (
            "<group><content name='0'/></group>",
            "<group semantics=''/>",
            "<group semantics='BUNDLE LS'/>",
            "<group semantics='BUNDLE'><content/></group>",
            "<group semantics='BUNDLE'><content name=''/></group>",
            "<group semantics='BUNDLE'><content name='0'/><content name='0'/></group>",
            "<group semantics='BUNDLE'><content name='0' creator='initiator'/></group>",
            "<group semantics='BUNDLE'>0 1</group>",
        ),
    ),
    "urn:xmpp:jingle:apps:dtls:0": Case(
        (
            "<fingerprint hash='sha-256' setup='actpass'>02:1A:cc</fingerprint>",
            "<fingerprint hash='sha-256' setup='active'>\n 02:1A:CC\n</fingerprint>",
            "<fingerprint hash='sha-256' setup='holdconn'>02:1A:CC</fingerprint>",
        ),
        (
            "<fingerprint setup='active'>02:1A</fingerprint>",
            "<fingerprint hash='' setup='active'>02:1A</fingerprint>",
            "<fingerprint hash='sha-256'>02:1A</fingerprint>",
            "<fingerprint hash='sha-256' setup='both'>02:1A</fingerprint>",
            "<fingerprint hash='sha-256' setup='active'/>",
            "<fingerprint hash='sha-256' setup='active'>02:1A:</fingerprint>",
            "<fingerprint hash='sha-256' setup='active'>021A</fingerprint>",
            "<fingerprint hash='sha-256' setup='active'>02:1G</fingerprint>",
            "<fingerprint hash='sha-256' setup='active' required='true'>02:1A</fingerprint>",
        ),
    ),
    "urn:xmpp:jingle:transports:ice-udp:1": Case(
        (
            "<transport/>",
            f"<transport ufrag='8hhy' pwd='asd88fgpdd777uzjYhagZg'><candidate {_CANDIDATE} "
            "network='0' rel-addr='fe80::1%eth0' rel-port='0'/></transport>",
            "<transport><remote-candidate component='1' ip='192.0.2.1' port='9'/>"
            "<remote-candidate component='2' ip='192.0.2.1' port='10'/></transport>",
            # beyond the XEP, as the overlay lists it
            "<transport><candidate component='1' foundation='1' generation='0' id='a1' "
            "ip='a.local' port='9' priority='1' protocol='tcp' tcptype='active' type='host'/>"
            "<gathering-complete/></transport>",
        ),
        (
            "<transport ufrag='8hh'/>",
            "<transport ufrag='8h:hy'/>",
            "<transport pwd='asd88fgpdd777uzjYhagZ'/>",
            "<transport options='trickle'/>",
            "<transport>text</transport>",
            "<transport><candidate/></transport>",
            f"<transport><candidate {_CANDIDATE}/><candidate {_CANDIDATE}/></transport>",
            f"<transport><candidate {_CANDIDATE}/><remote-candidate component='1' ip='192.0.2.1' "
            "port='9'/></transport>",
            f"<transport><candidate {_CANDIDATE} tcptype='simultaneous'/></transport>",
            f"<transport><candidate {_CANDIDATE} network-cost='10'/></transport>",
            f"<transport><candidate {_CANDIDATE}>text</candidate></transport>",
            *(
                f"<transport><candidate {_CANDIDATE.replace(right, wrong)}/></transport>"
                for right, wrong in (
                    ("component='1'", "component='0'"),
                    ("component='1'", "component='257'"),
                    ("foundation='1'", "foundation=''"),
                    ("foundation='1'", f"foundation='{'f' * 33}'"),
                    ("generation='0'", ""),
                    ("generation='0'", "generation=''"),
                    ("generation='0'", "generation='256'"),
                    ("id='a1'", ""),
                    ("id='a1'", "id='1a'"),
                    ("ip='192.0.2.1'", "ip='192.0.2.1 9'"),
                    ("port='9'", "port='65536'"),
                    ("priority='2130706431'", "priority='0'"),
                    ("priority='2130706431'", "priority='21149780477'"),
                    ("protocol='udp'", "protocol='sctp'"),
                    ("type='host'", "type='local'"),
                    ("type='host'", ""),
                )
            ),
            "<transport><remote-candidate component='1' ip='192.0.2.1'/></transport>",
            "<transport><gathering-complete/><gathering-complete/></transport>",
            "<transport><gathering-complete generation='0'/></transport>",
        ),
    ),
    "urn:xmpp:jingle:transports:dtls-sctp:1": Case(
        ("<sctpmap number='5000' protocol='webrtc-datachannel' streams='65536'/>",),
        (
            "<sctpmap protocol='webrtc-datachannel'/>",
            "<sctpmap number='5000'/>",
            "<sctpmap number='65536' protocol='webrtc-datachannel'/>",
            "<sctpmap number='5000' protocol=''/>",
            "<sctpmap number='5000' protocol='webrtc-datachannel' streams='0'/>",
            "<sctpmap number='5000' protocol='webrtc-datachannel' streams='65537'/>",
            "<sctpmap port='5000' protocol='webrtc-datachannel'/>",
            "<sctpmap number='5000' protocol='webrtc-datachannel'>5000</sctpmap>",
        ),
    ),
    "urn:xmpp:jingle-message:0": Case(
        (
            "<propose id='a'/>",
            "<ringing id='a'/>",
            "<proceed id='a'/>",
            "<reject id='a'><tie-break/></reject>",
            "<retract id='a'/>",
            "<finish id='a'><migrated to='b'/></finish>",
        ),
        (
            "<propose/>",
            "<propose id=''/>",
            "<accept id='a'/>",
            "<proceed id='a'><tie-break/></proceed>",
            "<reject id='a'><tie-break/><tie-break/></reject>",
            "<retract id='a'>sorry</retract>",
            "<finish id='a'><migrated/></finish>",
            "<finish id='a'><migrated to='b'/><migrated to='c'/></finish>",
            "<ringing id='a' device='1'/>",
        ),
    ),
    "http://jabber.org/protocol/disco#info": Case(
        (
            "<query/>",
            "<query node='a#b'><identity category='client' type='bot' name='Echo'/>"
            "<feature var='urn:xmpp:jingle:1'/></query>",
        ),
        (
            "<query><identity category='client'/></query>",
            "<query><identity category='' type='bot'/></query>",
            "<query><feature/></query>",
            "<query><feature var=''/></query>",
            "<query><feature var='urn:x'/><feature var='urn:x'/></query>",
            "<query><feature var='urn:x'/><identity category='client' type='bot'/></query>",
            "<query>text</query>",
            "<query><item jid='a@b'/></query>",
        ),
    ),
    "http://jabber.org/protocol/disco#items": Case(
        ("<query/>", "<query node='a'><item jid='echo@b' name='Echo' node='n'/></query>"),
        (
            "<query><item/></query>",
            "<query><item jid=''/></query>",
            "<query><item name='Echo'/></query>",
            "<query><feature var='urn:x'/></query>",
            "<query><item jid='a@b' type='bot'/></query>",
            "<query>a@b</query>",
        ),
    ),
    "http://jabber.org/protocol/caps": Case(
        ("<c hash='sha-1' node='urn:x' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>",),
        (
            "<c node='urn:x' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>",
            "<c hash='sha-1' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>",
            "<c hash='sha-1' node='' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>",
            "<c hash='sha-1' node='urn:x'/>",
            "<c hash='sha-1' node='urn:x' ver='0.1'/>",
            "<c hash='sha 1' node='urn:x' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>",
            "<c hash='sha-1' node='urn:x' ver='q07IKJEyjvHSyhy//CH0CxmKi8w=' ext='voice'/>",
        ),
    ),
    "urn:ietf:params:xml:ns:xmpp-stanzas": Case(
        ("<bad-request/>", "<gone>xmpp:a@b</gone>", "<gone/>", "<text>words</text>"),
        (
            "<payment-required/>",
            "<bad-request>words</bad-request>",
            "<bad-request by='a'/>",
            "<conflict><text>words</text></conflict>",
            "<text><b/></text>",
        ),
    ),
    "jabber:component:accept": Case(
        (
            "<iq from='a@b' to='c@d' id='1' type='result'/>",
            "<presence from='a@b' to='c@d'><status>here</status></presence>",
            "<iq from='a@b' to='c@d' id='1' type='error'><error type='cancel'/></iq>",
        ),
        (
            "<iq to='c@d' id='1' type='result'/>",
            "<iq from='a@b' id='1' type='result'/>",
            "<iq from='a@b' to='c@d' type='result'/>",
            "<iq from='a@b' to='c@d' id='' type='result'/>",
            "<iq from='a@b' to='c@d' id='1'/>",
            "<iq from='a@b' to='c@d' id='1' type='answer'/>",
            "<iq from='a@b' to='c@d' id='1' type='error'><error type='fatal'/></iq>",
            "<iq from='a@b' to='c@d' id='1' type='error'><error/></iq>",
            "<presence from='a@b' to='c@d' type='available'/>",
            "<presence to='c@d'/>",
            "<presence from='a@b' to='c@d'>here</presence>",
        ),
    ),
    "urn:jinglebridge:sdp:0": Case(
        (
            "<residue>a=rtcp-rsize</residue>",
            "<residue>s=a b\na=msid:- t\na=x</residue>",
            "<residue>~session setup\n~c c1 generation - network-id 1</residue>",
            "<residue>a=x<section index='0'>m=audio 0 RTP/AVP 0\na=mid:0</section>"
            "<section index='63' encoding='deflate'>q07IKJEyjvHSyhw=</section></residue>",
        ),
        (
            "<residue/>",
            "<residue>rtcp-rsize</residue>",
            "<residue>a=x\n</residue>",
            "<residue>\na=x</residue>",
            "<residue>a=x\n\na=y</residue>",
            "<residue>a=x&#13;\na=y</residue>",
            "<residue>A=x</residue>",
            "<residue>~c c1 network-id</residue>",
            "<residue>~ours x</residue>",
            "<residue level='media'>a=x</residue>",
            "<residue><line>a=x</line></residue>",
            "<residue>x<section index='0'>m=audio 0 RTP/AVP 0</section></residue>",
            "<residue><section index='0'>m=audio 0 RTP/AVP 0</section>x</residue>",
            "<residue><section>m=audio 0 RTP/AVP 0</section></residue>",
            "<residue><section index='64'>m=audio 0 RTP/AVP 0</section></residue>",
            "<residue><section index='0'>a=mid:0</section></residue>",
            "<residue><section index='0'/></residue>",
            "<residue><section index='0' encoding='gzip'>q07IKJEyjvHSyhw=</section></residue>",
            "<residue><section index='0'>m=audio 0 RTP/AVP 0</section>"
            "<section index='0'>m=audio 0 RTP/AVP 0</section></residue>",
        ),
    ),
    "urn:xmpp:jingle:apps:category:0": Case(
        ("<category name='slides'/>", "<category name='x-ours'/>"),
        (
            "<category/>",
            "<category name=''/>",
            "<category name='slides,alt'/>",
            "<category name='two words'/>",
            "<category name='slides'>slides</category>",
            "<category name='slides' senders='both'/>",
        ),
    ),
    "urn:jinglebridge:datachannel:0": Case(
        ("<description/>",),
        (
            "<description media='application'/>",
            "<description>data</description>",
            "<description><channel/></description>",
            "<transport/>",
            "<datachannel/>",
        ),
    ),
}

_JINGLE = "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s1'>{}</jingle>"
_CONTENT = _JINGLE.format("<content creator='initiator' name='0'>{}</content>")
_RTP = "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>{}</description>"
_ICE = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'>{}</transport>"
_DATA = "<description xmlns='urn:jinglebridge:datachannel:0'/>"
_RESIDUE = "<residue xmlns='urn:jinglebridge:sdp:0'>a=x</residue>"
_FEEDBACK = "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack'/>"
_INTERVAL = "<rtcp-fb-trr-int xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' value='0'/>"
_FINGERPRINT = (
    "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-1' setup='active'>AB</fingerprint>"
)
_SCTPMAP = "<sctpmap xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='1' protocol='x'/>"
_MIXED = "<extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/>"
_GROUP = "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'/>"
_RINGING = "<ringing xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>"
_INVITE = "<{0} xmlns='urn:xmpp:jingle-message:0' id='a'>{1}</{0}>"
_REASON = "<reason xmlns='urn:xmpp:jingle:1'><busy/></reason>"

IN_PLACE: tuple[str, ...] = (
    _INVITE.format("propose", _RTP.format("") * 2),
    *(_INVITE.format(name, _REASON) for name in ("reject", "retract", "finish")),
    "<iq xmlns='jabber:component:accept' from='a@b' to='c@d' id='1' type='set'>"
    + _JINGLE.format("")
    + "</iq>",
)
"""Extension points that nothing else in the tests reaches."""

OUT_OF_PLACE: tuple[str, ...] = (
    _JINGLE.format(_RESIDUE + "<content creator='initiator' name='0'/>"),
    _JINGLE.format(_RESIDUE + _RESIDUE),
    _JINGLE.format(_RINGING * 2),
    _JINGLE.format(_FINGERPRINT),
    _JINGLE.format("<ours xmlns='urn:example:unknown'/>"),
    _CONTENT.format(_RESIDUE + _ICE.format("")),
    _CONTENT.format(_RTP.format("") * 2),
    _CONTENT.format(_ICE.format("") * 2),
    _CONTENT.format(_GROUP),
    _CONTENT.format(_FINGERPRINT),
    _CONTENT.format(_SCTPMAP),
    _CONTENT.format(_DATA * 2),
    _CONTENT.format(_RTP.format(_FINGERPRINT)),
    _CONTENT.format(_RTP.format(_RESIDUE)),
    _CONTENT.format(_RTP.format(_INTERVAL * 2)),
    _CONTENT.format(_RTP.format(_MIXED * 2)),
    _CONTENT.format(_RTP.format(f"<payload-type id='0'>{_MIXED}</payload-type>")),
    _CONTENT.format(_RTP.format(f"<payload-type id='0'>{_INTERVAL * 2}</payload-type>")),
    _CONTENT.format(_ICE.format(_FEEDBACK)),
    _CONTENT.format(_ICE.format(_SCTPMAP * 2)),
    _CONTENT.format(_ICE.format(_RESIDUE)),
    _INVITE.format("proceed", _REASON),
    _INVITE.format("propose", _DATA),
    _INVITE.format("reject", _REASON * 2),
)
"""Each part alone is right; where it stands, or how often, is not."""
