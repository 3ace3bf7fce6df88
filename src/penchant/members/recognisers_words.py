"""Personal data in words: street addresses, names beside a title, and telephone numbers of other countries."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from penchant.members.recognisers import Found, Personal, is_things_number

_HAN: Final = "\u4e00-\u9fff"

_ADMIN: Final = rf"(?:(?:市[中北南]区|(?:(?![省市区县旗镇乡村])[{_HAN}]){{1,7}}(?:[省市区县旗镇乡村]|街道))[ ,，]?)"
"""A province, city, district or town; none of the letters that end one stands within, so that it is found in one go."""
_STREET: Final = rf"[{_HAN}A-Za-z0-9]{{1,8}}?(?:大街|大道|街|路|巷|胡同)"
_LANE: Final = rf"{_ADMIN}{{1,5}}[{_HAN}]{{1,8}}?(?:弄|道|里|条|村)"
"""What many another word ends in too, so that it is a street's name only behind a district's."""
_SIDE: Final = r"(?:[东西南北中][一二三四五段侧]?段?|[一二三四五六七八九十]段)?"
_NUMBER: Final = r" ?(?:\d{1,5}(?:[-之]\d{1,4})?|[一二三四五六七八九十百]{1,5})"
_ROOM: Final = (
    rf"(?:[ ,，]?(?:[{_HAN}]{{2,10}}(?:小区|花园|公寓|大厦|新村|家园|苑|广场|中心|城))?"
    r"[ ,，]?[A-Za-z]?\d{0,4}(?:-\d{1,4}){0,3} ?(?:号楼|号院|弄|栋|幢|座|单元|楼|层|室|号|房|户))"
)
_ADDRESS: Final = re.compile(
    rf"(?:(?=(?P<lane>{_LANE}))|)(?P<area>{_ADMIN}{{0,5}})(?P<street>{_STREET}|(?(lane)[{_HAN}]{{1,8}}?(?:弄|道|里|条|村)|(?!))){_SIDE}{_NUMBER}(?:号院|号|弄)(?P<rest>{_ROOM}*)"
    r"(?:(?<=[号楼元座栋幢弄院])\d{3,4}(?!\d|元|块))?"
)
_ESTATE: Final = re.compile(
    rf"(?P<area>{_ADMIN}{{1,5}})(?P<street>[{_HAN}]{{2,10}}?(?:小区|花园|公寓|新村|家园|苑))"
    rf"[ ,，]?[A-Za-z]?\d{{1,4}}(?:号楼|栋|幢|座)(?P<rest>{_ROOM}*)"
    r"(?:(?<=[号楼元座栋幢院])\d{3,4}(?!\d|元|块))?"
)
_LEAD: Final = re.compile(
    r".*(?:地址|住址|家住|寄到|寄往|寄至|送到|送往|送至|发到|发往|位于|搬到|搬去|住在|就在|住|在|到|是|于|往|址|给|我|您|你|的|了|从(?!化)|去)"
)
"""What stands before an address in running text; Chinese has no spaces to tell by."""

_ENGLISH: Final = re.compile(
    r"\b(?:(?:Flat|Apt\.?|Apartment|Unit|Suite|Room) ?#?\d{1,5}[A-Za-z]?, )?"
    r"\d{1,5}[A-Za-z]?(?:-\d{1,4})? (?:(?:N|S|E|W|North|South|East|West)\.? )?"
    r"(?:(?:[A-Z][A-Za-z'’]+|\d{1,3}(?:st|nd|rd|th)) ){1,3}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Crescent|Terrace|Close|Way|Place|Square|Gardens)\b"
    r"(?:\.?,? (?:Flat|Apt\.?|Apartment|Unit|Suite|Room|#) ?#?\d{1,5}[A-Za-z]?)?"
)

_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任卢姚沈姜崔"
    "钟谭陆范汪廖石贾韦夏付方邹熊孟秦邱侯江尹薛闫雷龙黎史陶贺毛郝顾龚邵万覃武钱戴莫孔汤温康施文牛樊葛邢乔安"
    "齐庞伍倪兰颜殷申耿鲁岳翟焦左柳祝詹柴霍裴尚辛骆章齐梅盛童尤涂欧阎翁冉甄柯管屈路项盖靳纪舒季蒲桂甘"
)
_DOUBLE: Final = "欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|公孙|慕容|令狐|东方|独孤|南宫"
_FAMILY: Final = rf"(?:{_DOUBLE}|[{_SURNAMES}])"
_GIVEN: Final = rf"[{_HAN}](?:[{_HAN}](?![{_HAN}])|[{_HAN}](?=先生|女士|小姐|收|电话|手机|的|您|你|，)|)"
_ROLE: Final = (
    r"收货人|收件人|联系人|寄件人|经办人|持卡人|投诉人|申请人|客户|会员|业主|户主|顾客|乘客|患者|学员|姓名|本人|名字叫?|我叫|我是|他叫|她叫|叫做"
    r"|先生|女士|小姐|经理|店长|老师|医生|师傅"
)
_SURE_ROLE: Final = r"(?:收货人|收件人|寄件人|持卡人|联系人)"
"""Roles after which a name may follow at once: of others ("顾客高兴地说") what follows need not be one."""
_TITLED: Final = re.compile(
    rf"(?:(?:{_ROLE})(?:姓名|名字)?(?:[：:]|是|为|叫| )[：: ]*|{_SURE_ROLE})(?P<name>{_FAMILY}[{_HAN}]{{1,2}}?)"
    rf"(?=$|[^{_HAN}]|先生|女士|小姐|收|电话|手机|的|您|你|和|与|在|来|很|已|说)"
)
_CALLED: Final = re.compile(
    rf"(?:我叫|名叫|他叫|她叫)(?P<name>{_FAMILY}[{_HAN}]{{1,2}}?)(?=$|[^{_HAN}]|先生|女士|小姐|电话|手机|的|您|你|和|与|在|住|来|已)"
)
_NO_NAME: Final = r"(?<!感(?=谢))(?<!多(?=谢))(?<!谢(?=谢))(?<!主(?=管))(?<!蒙(?=牛))(?<!携(?=程))(?!康师傅|谢谢)"
"""Words and brands that end in a surname, or begin with one."""
_HONOURED: Final = re.compile(
    rf"(?:(?<![{_SURNAMES}])|(?<=[感多谢]谢)){_NO_NAME}(?P<name>(?:{_DOUBLE})[{_HAN}]{{0,2}}|[{_SURNAMES}]|[{_SURNAMES}][{_HAN}]{{1,2}}?)(?P<title>先生|女士|小姐|太太(?!太)|师傅|阿姨|大夫)"
)
_NO_GIVEN: Final = re.compile(
    r"苦|物流|客|安装|服务|台|装|维修|快递|前台|客服|送货|司机|员|店|们|的|位|个|是|和|叫|按摩|接线|礼仪|导购|女|男|流|修|货|递|务|公司|银行"
)
_CAPITAL: Final = r"[A-Z][A-Za-z'’]+(?:[ -][A-Z][A-Za-z'’]+){0,2}"
_ENGLISH_NAME: Final = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam)\b\.? "
    rf"(?!(?:Pepper|Martens|Clean|Muscle|Oetker)\b)(?P<titled>{_CAPITAL})"
    r"|\b(?:[Mm]y name is|[Nn]ame:|[Rr]ecipient:?|[Cc]ontact:|[Aa]ttn:?|[Cc]ardholder:?|[Cc]ustomer:)"
    rf" (?P<said>{_CAPITAL})"
)
"""Brands that begin like a person are left out by name."""


def addresses(text: str) -> Iterator[Found]:
    """Street addresses in Chinese (from the province or district on) and in English (from the house number on).

    >>> text = "请寄到杭州市西湖区文三路88号3栋502室，谢谢"
    >>> [text[found.start:found.end] for found in addresses(text)]
    ['杭州市西湖区文三路88号3栋502室']
    """
    for pattern in (_ADDRESS, _ESTATE):
        for match in pattern.finditer(text):
            head = text[match.start() : match.start("rest")]
            begin = match.end("area") if not match["area"] else match.start()
            lead = _LEAD.match(head[: match.end("street") - match.start() - 2])
            if lead is not None:
                begin = max(begin, match.start() + lead.end())
            yield Found(begin, match.end(), Personal.ADDRESS)
    for match in _ENGLISH.finditer(text):
        yield Found(match.start(), match.end(), Personal.ADDRESS)


def names(text: str) -> Iterator[Found]:
    """Names that a title stands beside, in Chinese and English; the title stays.

    >>> text = "收货人：欧阳娜娜，Dear Mr. Brown"
    >>> [text[found.start:found.end] for found in names(text)]
    ['欧阳娜娜', 'Brown']
    """
    for pattern in (_TITLED, _CALLED):
        for match in pattern.finditer(text):
            yield Found(*match.span("name"), Personal.NAME)
    for match in _HONOURED.finditer(text):
        if not _NO_GIVEN.search(match["name"], 1):
            yield Found(*match.span("name"), Personal.NAME)
    for match in _ENGLISH_NAME.finditer(text):
        yield Found(*match.span("titled" if match["titled"] else "said"), Personal.NAME)


def phones_abroad(text: str, regions: Sequence[str] = ()) -> Iterator[Found]:
    """Telephone numbers of any country where they are written with its code; valid ones of `regions` also without.

    Args:
        text: that is `plain`.
        regions: two-letter codes of countries, such as `GB`.

    >>> text = "Call +44 20 7946 0958 any time"
    >>> [text[found.start:found.end] for found in phones_abroad(text)]
    ['+44 20 7946 0958']
    """
    if not regions and "+" not in text:
        return
    import phonenumbers

    if "+" in text:
        # The code of a country says what it is, also where a number is not given out today.
        for match in phonenumbers.PhoneNumberMatcher(text, None, phonenumbers.Leniency.POSSIBLE):
            if text[match.start] == "+":
                yield Found(match.start, match.end, Personal.PHONE)
    for region in regions:
        for match in phonenumbers.PhoneNumberMatcher(text, region, phonenumbers.Leniency.VALID):
            # Without such a code many an order number is a valid number somewhere.
            if not is_things_number(text, match.start, match.end):
                yield Found(match.start, match.end, Personal.PHONE)
