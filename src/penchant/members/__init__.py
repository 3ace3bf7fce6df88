"""Who are our members, which are alike, and which behave oddly?"""

from typing import TYPE_CHECKING, Final

from penchant.lazy import late

if TYPE_CHECKING:
    from penchant.members.actions import next_actions as next_actions
    from penchant.members.actions import read_actions as read_actions
    from penchant.members.alarms import Alarm as Alarm
    from penchant.members.alarms import Anomalies as Anomalies
    from penchant.members.alerts import AlertConfig as AlertConfig
    from penchant.members.alerts import Delivered as Delivered
    from penchant.members.alerts import deliver as deliver
    from penchant.members.anomalies import AnomalyConfig as AnomalyConfig
    from penchant.members.anomalies import find_anomalies as find_anomalies
    from penchant.members.attribute_recipe import train_attribute as train_attribute
    from penchant.members.audit import AuditLog as AuditLog
    from penchant.members.classifier import ClassifierConfig as ClassifierConfig
    from penchant.members.classifier import MemberClassifier as MemberClassifier
    from penchant.members.export import export_member as export_member
    from penchant.members.fairness import error_table as error_table
    from penchant.members.fairness import exposure_table as exposure_table
    from penchant.members.forgetting import ForgetReport as ForgetReport
    from penchant.members.forgetting import forget_member as forget_member
    from penchant.members.forgetting import remaining as remaining
    from penchant.members.masking import Masked as Masked
    from penchant.members.masking import MaskingConfig as MaskingConfig
    from penchant.members.masking import mask as mask
    from penchant.members.masking import unmask as unmask
    from penchant.members.noise import private_counts as private_counts
    from penchant.members.opinions import OpinionConfig as OpinionConfig
    from penchant.members.opinions import OpinionMonitor as OpinionMonitor
    from penchant.members.privacy import MaskingFilter as MaskingFilter
    from penchant.members.privacy import PrivacyConfig as PrivacyConfig
    from penchant.members.profiles import Profiles as Profiles
    from penchant.members.profiling import ProfileConfig as ProfileConfig
    from penchant.members.recipe import Members as Members
    from penchant.members.recipe import MembersConfig as MembersConfig
    from penchant.members.recipe import evaluate as evaluate
    from penchant.members.recipe import train as train
    from penchant.members.refreshing import profile_of as profile_of
    from penchant.members.refreshing import refreshed as refreshed
    from penchant.members.retention import expire as expire
    from penchant.members.sealing import new_key as new_key
    from penchant.members.segments import SegmentConfig as SegmentConfig
    from penchant.members.segments import Segmenter as Segmenter
    from penchant.members.value import Value as Value
    from penchant.members.value import ValueConfig as ValueConfig
    from penchant.members.worth import Worth as Worth

_HOMES: Final = {
    "Members": "penchant.members.recipe",
    "MembersConfig": "penchant.members.recipe",
    "train": "penchant.members.recipe",
    "evaluate": "penchant.members.recipe",
    "Profiles": "penchant.members.profiles",
    "ProfileConfig": "penchant.members.profiling",
    "Segmenter": "penchant.members.segments",
    "SegmentConfig": "penchant.members.segments",
    "Value": "penchant.members.value",
    "ValueConfig": "penchant.members.value",
    "Worth": "penchant.members.worth",
    "next_actions": "penchant.members.actions",
    "read_actions": "penchant.members.actions",
    "Alarm": "penchant.members.alarms",
    "AlertConfig": "penchant.members.alerts",
    "Anomalies": "penchant.members.alarms",
    "AnomalyConfig": "penchant.members.anomalies",
    "AuditLog": "penchant.members.audit",
    "ClassifierConfig": "penchant.members.classifier",
    "Delivered": "penchant.members.alerts",
    "ForgetReport": "penchant.members.forgetting",
    "Masked": "penchant.members.masking",
    "MaskingConfig": "penchant.members.masking",
    "MaskingFilter": "penchant.members.privacy",
    "MemberClassifier": "penchant.members.classifier",
    "OpinionConfig": "penchant.members.opinions",
    "OpinionMonitor": "penchant.members.opinions",
    "PrivacyConfig": "penchant.members.privacy",
    "deliver": "penchant.members.alerts",
    "error_table": "penchant.members.fairness",
    "expire": "penchant.members.retention",
    "export_member": "penchant.members.export",
    "exposure_table": "penchant.members.fairness",
    "find_anomalies": "penchant.members.anomalies",
    "forget_member": "penchant.members.forgetting",
    "mask": "penchant.members.masking",
    "new_key": "penchant.members.sealing",
    "private_counts": "penchant.members.noise",
    "profile_of": "penchant.members.refreshing",
    "refreshed": "penchant.members.refreshing",
    "remaining": "penchant.members.forgetting",
    "train_attribute": "penchant.members.attribute_recipe",
    "unmask": "penchant.members.masking",
}

# Loaded late, so that whoever masks a text loads no model.
__getattr__, __dir__, __all__ = late(__name__, _HOMES)
